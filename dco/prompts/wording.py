"""From a genome and a brief to the text that a model is asked with, and to the seed that makes it reproducible.

The embedded model knows only its vocabulary: canonical words, comma-separated, in its caption order. A real checkpoint is
given sentences with photographic detail, what to leave free for the copy, and what to avoid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dco.prompts.policy import check
from dco.records import content_hash

LOOK = ("scene", "palette", "light", "composition", "season", "mood", "material")
"""Attributes that a backdrop shows; the others (headline, cta, ...) are typeset. "none" is said by saying nothing."""

CAPTION: Mapping[str, str] = {"palette": "{} palette", "mood": "{} mood", "material": "{} surface"}
SAID: Mapping[str, str] = {
    "marble": "{} slab"
}  # "marble surface" is another name of the scene marble tabletop
DETAIL: Mapping[str, str] = {
    "season": "in {}, seasonal details",
    "mood": "{} mood",
    "material": "empty {} surface in the foreground",
}

LIGHT_DETAIL: Mapping[str, str] = {
    "soft light": "soft diffused daylight, gentle shadows",
    "dramatic light": "dramatic directional light, deep shadows, high contrast",
    "golden hour": "warm golden-hour sunlight, long shadows",
    "night": "night scene, practical lights, subtle glow",
}
SPACE_DETAIL: Mapping[str, str] = {
    "copy space left": "main subject area on the right third, wide calm negative space on the left",
    "copy space right": "main subject area on the left third, wide calm negative space on the right",
    "centered": "symmetrical composition, clear uncluttered place in the middle for a product",
}
AVOID = (
    "text", "letters", "watermark", "logo", "people", "hands", "product", "frame", "border", "blurry", "low quality",
    "jpeg artifacts", "oversaturated",
)  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """A prompt and what to avoid; `source` are the genome's options it was made from."""

    prompt: str
    negative: str
    source: Mapping[str, str]

    def seed(self, *parts: object) -> int:
        """A 31-bit seed from the words and any further parts (campaign, segment, variant): the same for the same."""
        return int(content_hash([self.prompt, *map(str, parts)], length=8), 16) & 0x7FFFFFFF


def embedded(
    genome: Mapping[str, str], *, banned: Iterable[str] = (), allowed: Iterable[str] = ()
) -> Wording:
    """The caption the embedded model was trained on, for example 'beach, blue palette, golden hour, copy space left'.

    Attributes that do not vary are left out; attributes the picture does not show are ignored.

    Raises:
        Refused: an option breaks the prompt policy.
    """
    stated = {a: genome[a] for a in LOOK if genome.get(a, "none") != "none"}
    parts = [SAID.get(option, CAPTION.get(a, "{}")).format(option) for a, option in stated.items()]
    extra = [value for a, value in genome.items() if a not in LOOK and a.startswith("look_")]
    return Wording(check(", ".join([*parts, *extra]), banned=banned, allowed=allowed), "", dict(genome))


def checkpoint(
    genome: Mapping[str, str],
    brief: str = "",
    audience: str = "",
    *,
    banned: Iterable[str] = (),
    allowed: Iterable[str] = (),
) -> Wording:
    """A richer prompt for a real diffusion checkpoint: an empty backdrop for a product that is placed in later.

    Args:
        brief: the campaign's brief; its first sentence sets the mood. audience: the segment in words.
        allowed: words exempt from the policy's lists (the advertiser's own brand).

    Raises:
        Refused: the options, the brief or the audience break the prompt policy.
    """
    scene = genome.get("scene", "clean studio")
    parts = [f"commercial advertising photograph of an empty {scene} backdrop"]
    if "palette" in genome:
        parts.append(f"{genome['palette']} color palette")
    if "light" in genome:
        parts.append(LIGHT_DETAIL.get(genome["light"], genome["light"]))
    if "composition" in genome:
        parts.append(SPACE_DETAIL.get(genome["composition"], genome["composition"]))
    parts += [text.format(genome[a]) for a, text in DETAIL.items() if genome.get(a, "none") != "none"]
    parts += [value for a, value in genome.items() if a.startswith("look_")]
    if brief:
        parts.append(f"mood: {_first_sentence(brief)}")
    if audience:
        parts.append(f"appealing to {_first_sentence(audience).lower()}")
    parts.append("shallow depth of field, natural materials, high detail, no text")
    return Wording(check(", ".join(parts), banned=banned, allowed=allowed), ", ".join(AVOID), dict(genome))


def _first_sentence(text: str, longest: int = 120) -> str:
    """The first sentence on one line, cut at a word."""
    line = " ".join(text.split())
    for mark in (". ", "! ", "? "):
        line = line.split(mark, 1)[0]
    line = line.rstrip(".!? ")
    return line if len(line) <= longest else line[:longest].rsplit(" ", 1)[0]
