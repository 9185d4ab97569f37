"""Composition control: the pictures, the adapters and the negative prompt of a campaign file, as fields of a request.

Whatever stands in their way, a missing file, one too small, or a model that cannot do it, is an error of the file's line.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadPicture
from dco.generate.backend import Backend, unable
from dco.generate.cover import cover, enlargement
from dco.generate.reference import Reference
from dco.generate.request import Request
from dco.jobs.assets import decode_picture, inside, picture_bytes
from dco.records import Campaign
from dco.settings import wrong

MOST_ENLARGED = 2.0
"""A picture to start from, or to follow, that a backdrop needs enlarged more than this is refused: it would be shown blurred."""

STYLE_SIDE = 1024
"""Pixels of a style picture's longer side: its encoder looks at a few hundred, and it travels with every request."""

LEAST_SIDE = 64
WHITE = 128
"""From this brightness on a pixel of a mask is repainted; below it is kept."""

TOKENS_PER_WORD = 1.15
"""Tokens that a text encoder makes of a word or a punctuation mark of plain advertising English, on the safe side. Only an
early word is based on it: the backend counts exactly, and refuses what does not fit."""
_WORD = re.compile(r"\w+|[^\w\s]")

_KEYS = {name: f"model.picture.{name}" for name in ("init", "mask", "style", "control")}
_KEYS |= {"negative": "model.negative", "adapters": "model.adapters", "toward": "model.lean"}


def tokens(text: str) -> float:
    """About how many tokens a text is, start and end included."""
    return TOKENS_PER_WORD * len(_WORD.findall(text)) + 2


def fields(campaign: Campaign, width: int, height: int) -> dict[str, Any]:
    """What the campaign file adds to a request for a backdrop of `width` x `height` pixels: pictures cut to cover it, and
    adapters.

    Raises:
        BadCampaign: a picture is missing, damaged, or does not fit; with file, line and key.
    """
    stated = dict(campaign.model.pictures)
    found = {role: _picture(campaign, role, width, height) for role in stated}
    if "mask" in found and found["mask"][1] != found["init"][1]:
        (wide, high), (init_wide, init_high) = found["mask"][1], found["init"][1]
        raise wrong(
            campaign,
            _KEYS["mask"],
            f"{stated['mask']!r} has {wide}x{high} pixels, the init picture {init_wide}x{init_high}; a mask lies on its "
            "init picture pixel by pixel: save it at that size",
        )
    more: dict[str, Any] = {role: reference for role, (reference, _) in found.items()}
    if campaign.model.adapters:
        more["adapters"] = tuple((one.name, one.weight) for one in campaign.model.adapters)
    return more


def avoid(campaign: Campaign, always: str) -> str:
    """The negative prompt: what the campaign file states first, then what is always avoided."""
    return ", ".join(text for text in (campaign.model.negative, always) if text)


def require_able(campaign: Campaign, backend: Backend, request: Request) -> None:
    """Let a request pass whose backend can draw what the campaign file states.

    Raises:
        BadCampaign: it cannot; names the key, why, and the way out.
    """
    varies = campaign.model.takes == "vary"
    # What later nights may ask for is said when the file is read.
    if varies and request.init is None:
        request = replace(request, init=_blank(request.width, request.height))
    if campaign.model.lean and not request.toward:
        request = replace(request, toward=request.prompt or "any", lean=campaign.model.lean)
    for field, why in unable(backend, request).items():
        # What is always avoided plays no part with some models, and nobody asked for it.
        if field != "negative" or campaign.model.negative:
            key = "model.takes" if field == "init" and varies else _KEYS[field]
            raise wrong(campaign, key, f"backend '{campaign.model.backend}': {why}")
    reads = getattr(backend, "reads", None)
    if campaign.model.negative and reads is not None and tokens(request.negative) > reads:
        raise wrong(
            campaign,
            _KEYS["negative"],
            f"{campaign.model.negative!r}: with what is always avoided it is about {tokens(request.negative):.0f} tokens, "
            f"and this checkpoint reads {reads}; say it in fewer words",
        )


def adapters_option(campaign: Campaign) -> str:
    """The backend's option `adapters`: what the campaign file states as such, and the adapters whose files it names."""
    stated = str(dict(campaign.model.options).get("adapters", ""))
    own = []
    for one in campaign.model.adapters:
        if one.file:
            key = f"model.adapters.{one.name}.file"
            place = inside(campaign, key, one.file)
            if re.search(r"[,*]", str(place)):
                raise wrong(
                    campaign, key, f"{str(place)!r} has a comma or a * in it; rename that file or folder"
                )
            own.append(f"{one.name}={place}")
    return ", ".join(part for part in (stated, *own) if part)


def _picture(campaign: Campaign, role: str, width: int, height: int) -> tuple[Reference, tuple[int, int]]:
    file = dict(campaign.model.pictures)[role]
    path = inside(campaign, _KEYS[role], file)
    try:
        reference, size = _fitted(picture_bytes(path), file, role, width, height)
    except BadPicture as error:
        raise wrong(campaign, _KEYS[role], str(error)) from None
    scale = enlargement(*size, width, height)
    if role in ("init", "control") and scale > MOST_ENLARGED:
        least = [ceil(side / MOST_ENLARGED) for side in (width, height)]
        raise wrong(
            campaign,
            _KEYS[role],
            f"{file!r} has {size[0]}x{size[1]} pixels; a backdrop of {width}x{height} needs it enlarged {scale:.1f} times "
            f"(at most {MOST_ENLARGED:g}); bring it at {least[0]}x{least[1]} or more",
        )
    if role == "mask" and not reference.pixels.any():
        raise wrong(
            campaign,
            _KEYS[role],
            f"{file!r}: of its white parts, which are repainted, none is left when it is cut to {width}x{height}; bring "
            "white into its middle, or leave the sizes of that shape out",
        )
    return reference, size


@lru_cache(maxsize=8)
def _blank(width: int, height: int) -> Reference:
    return Reference(np.zeros((height, width, 3), np.uint8))


@lru_cache(maxsize=64)
def _fitted(data: bytes, file: str, role: str, width: int, height: int) -> tuple[Reference, tuple[int, int]]:
    """A picture file's content as the reference of a request, and the file's own (width, height).

    Kept, because every idea asks for it again; by content, so that a changed file is another picture.
    """
    rgba = decode_picture(data, repr(file))
    size = rgba.shape[1], rgba.shape[0]
    if min(size) < LEAST_SIDE:
        raise BadPicture(f"{file!r} has {size[0]}x{size[1]} pixels; expected at least {LEAST_SIDE} a side")
    if role == "mask":
        return Reference(cover(_mask(rgba, file), width, height, nearest=True)), size
    picture = _on(rgba, 255).convert("RGB")
    if role == "style":
        picture.thumbnail((STYLE_SIDE, STYLE_SIDE), Image.Resampling.LANCZOS)
        return Reference(np.asarray(picture)), size
    return Reference(cover(np.asarray(picture), width, height)), size


def _mask(rgba: NDArray[np.uint8], file: str) -> NDArray[np.uint8]:
    """Black and white alone; what is transparent is black, and kept."""
    mask = np.where(np.asarray(_on(rgba, 0).convert("L")) >= WHITE, 255, 0).astype(np.uint8)
    for colour, value in (("white", 255), ("black", 0)):
        if (mask == value).all():
            raise BadPicture(
                f"{file!r} is {colour} all over; white is repainted and black is kept, so a mask has both "
                "(to repaint the whole picture leave the mask out)"
            )
    return mask


def _on(rgba: NDArray[np.uint8], ground: int) -> Image.Image:
    """The picture laid on a grey of one brightness."""
    picture = Image.fromarray(rgba)
    return Image.alpha_composite(Image.new("RGBA", picture.size, (ground, ground, ground, 255)), picture)
