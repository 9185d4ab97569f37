"""What hosted image models can do, by the start of their name: sizes, length of prompt, whether they edit. Pure.

Source: https://developers.openai.com/api/docs/guides/image-generation and the API client's own reference, November 2026;
DALL-E and gpt-image-1 are switched off at OpenAI but live on behind gateways and in servers that copy them.
"""

from __future__ import annotations

import re
from math import ceil, log, sqrt
from typing import NamedTuple

from dco.errors import BadInput

_STEP, _LEAST, _MOST, _EDGE = 16, 655_360, 8_294_400, 3840
"""What the newer models allow: sides in steps of 16 px up to 3840 px, from 0.66 to 8.3 megapixels, at most 3 to 1."""


class Kind(NamedTuple):
    """What a model can do. `sizes` are (width, height) in pixels, empty for any; `prompt` is its longest text."""

    sizes: tuple[tuple[int, int], ...]
    prompt: int
    edits: bool

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) in pixels to ask for: of what the model draws, the nearest in shape, then in area.

        >>> kind_of("gpt-image-1.5").size_for(1200, 632)
        (1536, 1024)
        """
        if not self.sizes:
            return any_size(width, height)

        def distance(size: tuple[int, int]) -> tuple[float, float]:
            return abs(log(size[0] * height / (size[1] * width))), abs(
                log(size[0] * size[1] / (width * height))
            )

        return min(self.sizes, key=distance)


_STANDARD = ((1024, 1024), (1536, 1024), (1024, 1536))
KINDS: tuple[tuple[str, Kind], ...] = (
    ("dall-e-2", Kind(((256, 256), (512, 512), (1024, 1024)), 1_000, False)),
    ("dall-e-3", Kind(((1024, 1024), (1792, 1024), (1024, 1792)), 4_000, False)),
    ("gpt-image-1", Kind(_STANDARD, 32_000, True)),
    ("chatgpt-image", Kind(_STANDARD, 32_000, True)),
    ("gpt-image-", Kind((), 32_000, True)),
    ("", Kind(_STANDARD, 4_000, False)),
)
"""By the start of the model's name, first match; the last is for servers nobody here knows."""


def kind_of(model: str) -> Kind:
    """What is known of a model."""
    return next(kind for start, kind in KINDS if model.startswith(start))


def any_size(width: int, height: int) -> tuple[int, int]:
    """The smallest size the newer models draw that covers the wanted one without enlarging it.

    >>> any_size(1200, 632), any_size(300, 600), any_size(64, 8)
    ((1200, 640), (576, 1152), (1408, 480))
    """
    ratio = min(max(width / height, 1 / 3), 3.0)
    wide, high = max(float(width), height * ratio), max(float(height), width / ratio)
    scale = max(1.0, sqrt(_LEAST / (wide * high)))
    scale = min(scale, _EDGE / max(wide, high), sqrt(_MOST / (wide * high)))
    sides = [max(_STEP, ceil(side * scale / _STEP) * _STEP) for side in (wide, high)]
    longest = sides.index(max(sides))
    sides[longest] = min(sides[longest], 3 * sides[1 - longest], _EDGE)
    while sides[0] * sides[1] > _MOST:
        sides[longest] -= _STEP
    return sides[0], sides[1]


def parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Read '1024x1024, 1536x1024'; 'any' is no list.

    Raises:
        BadInput: it says something else.
    """
    if text.strip() == "any":
        return ()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(re.fullmatch(r"[1-9]\d{1,3}x[1-9]\d{1,3}", part) for part in parts):
        raise BadInput(
            f"backend option sizes: expected 'any' or sizes such as '1024x1024, 1536x1024', got {text!r}"
        )
    return tuple((int(w), int(h)) for w, h in (part.split("x") for part in parts))
