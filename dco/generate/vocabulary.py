"""The words a backdrop is asked for with: scene, palette, light, composition; season, mood, material. No heavy imports.

A `Look` is those words; `prompt` writes them as the caption the embedded model was trained on, and
`understand` reads a free text back and names every word that neither the renderer nor the model knows.
Season, mood and material may be "none": the scene as it is.

Composition says which side the COPY gets. "copy space left" keeps the left side calm for copy and puts the
product and the busy part of the picture on the right; "centered" puts the product in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dco import registry
from dco.errors import UnknownName

Side = Literal["left", "right", "center"]

# Per palette: deep, mid, light and accent colour, sRGB.
PALETTES: Mapping[str, tuple[str, str, str, str]] = {
    "amber": ("#3a1a06", "#c9741a", "#f9e2b4", "#ffb52e"),
    "coral": ("#4a1620", "#e8665a", "#fde0d4", "#ff8f6b"),
    "pink": ("#4b1536", "#e58ab8", "#fdeaf3", "#ff5fa8"),
    "violet": ("#1d1147", "#7b5bd6", "#e6defa", "#c77dff"),
    "blue": ("#06204a", "#2f78d0", "#dcecfb", "#46b4ff"),
    "teal": ("#03302f", "#1f9a94", "#d6f3ee", "#33e0c8"),
    "green": ("#0e2a12", "#4f9a45", "#e4f2d5", "#a6e04a"),
    "beige": ("#3b2f26", "#bfa688", "#f6eee2", "#e0b98a"),
    "white": ("#8c9096", "#d5d8dc", "#fdfdfd", "#f2f2ee"),
    "black": ("#050507", "#2a2c33", "#9aa0ab", "#e8e2d0"),
}
PALETTE_NOUNS = ("palette", "colors", "tones")

# The canonical word of each attribute value, followed by what else people write for it.
LIGHTS: Mapping[str, tuple[str, ...]] = {
    "soft light": ("soft light", "soft lighting", "diffuse light"),
    "dramatic light": ("dramatic light", "dramatic lighting", "hard light"),
    "golden hour": ("golden hour", "sunset light", "warm evening light"),
    "night": ("night", "at night", "night light"),
}
COMPOSITIONS: Mapping[str, tuple[str, ...]] = {
    "copy space left": ("copy space left", "copy space on the left", "empty space on the left"),
    "copy space right": ("copy space right", "copy space on the right", "empty space on the right"),
    "centered": ("centered", "centered composition", "product in the center"),
}
SEASONS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "spring": ("spring", "springtime", "spring blossom"),
    "summer": ("summer", "summertime", "high summer"),
    "autumn": ("autumn", "fall season", "autumn leaves"),
    "winter": ("winter", "wintertime", "winter snow"),
}
MOODS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "calm": ("calm mood", "calm", "serene mood", "quiet mood"),
    "fresh": ("fresh mood", "fresh", "airy mood", "crisp mood"),
    "bold": ("bold mood", "bold", "energetic mood", "vivid mood"),
    "luxurious": ("luxurious mood", "luxurious", "premium mood", "elegant mood"),
    "playful": ("playful mood", "playful", "fun mood", "cheerful mood"),
}
MATERIALS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "wood": ("wood surface", "wood", "wooden surface", "wooden table"),
    "marble": ("marble slab", "marble", "polished marble"),
    "stone": ("stone surface", "stone", "slate surface"),
    "concrete": ("concrete surface", "concrete", "cast concrete"),
    "terrazzo": ("terrazzo surface", "terrazzo", "terrazzo floor"),
    "linen": ("linen surface", "linen", "linen cloth"),
    "metal": ("metal surface", "metal", "brushed metal"),
}
"""What the product stands on. A scene without a surface of its own gets a ledge of it in the foreground."""

_SIDES: Mapping[str, Side] = {"copy space left": "left", "copy space right": "right", "centered": "center"}

# Words that carry no attribute and may stand anywhere.
FILLERS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "with",
        "and",
        "for",
        "to",
        "by",
        "photo",
        "picture",
        "image",
        "render",
        "product",
        "ad",
        "ads",
        "advertising",
        "advert",
        "advertisement",
        "backdrop",
        "background",
        "scene",
    ]
)
ATTRIBUTES = ("scene", "palette", "light", "composition", "season", "mood", "material")
OPTIONAL = ("season", "mood", "material")
_TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "light": LIGHTS,
    "composition": COMPOSITIONS,
    "season": SEASONS,
    "mood": MOODS,
    "material": MATERIALS,
}


@dataclass(frozen=True)
class Look:
    """What a backdrop should show, in canonical words.

    Raises:
        UnknownName: a word is not in the vocabulary; the message lists the known ones.
    """

    scene: str
    palette: str
    light: str = "soft light"
    composition: str = "centered"
    season: str = "none"
    mood: str = "none"
    material: str = "none"

    def __post_init__(self) -> None:
        for attribute in ATTRIBUTES:
            word, known = getattr(self, attribute), values(attribute)
            if word not in known:
                raise UnknownName(attribute, word, known, where="look")


@dataclass(frozen=True)
class Understood:
    """What a free text says: canonical words per attribute, and every word that means nothing here.

    `contradicted` holds later words for an attribute that was already stated; the first statement counts.
    """

    look_parts: dict[str, str]
    unknown: tuple[str, ...]
    contradicted: tuple[str, ...] = ()


def scene_names() -> tuple[str, ...]:
    """Canonical scene words, one per file in dco/generate/scenes; imports none of them."""
    return tuple(name.replace("_", " ") for name in registry.names("scenes"))


def scene_words(scene: str) -> tuple[str, ...]:
    """The canonical words of a scene, then its synonyms as its file lists them."""
    return tuple(registry.load("scenes", scene.replace(" ", "_"), where="look").words)


def values(attribute: str) -> tuple[str, ...]:
    """The canonical words of one attribute, in the order the classifier and the captions use."""
    if attribute == "scene":
        return scene_names()
    tables: dict[str, Mapping[str, object]] = {"palette": PALETTES, **_TABLES}
    if attribute not in tables:
        raise UnknownName("attribute", attribute, ATTRIBUTES)
    return tuple(tables[attribute])


def copy_side(composition: str) -> Side:
    """The side kept calm for copy: "left" or "right"; "center" where the product takes the middle.

    >>> copy_side("copy space left")
    'left'
    """
    if composition not in _SIDES:
        raise UnknownName("composition", composition, _SIDES)
    return _SIDES[composition]


def product_side(composition: str) -> Side:
    """The side the product stands on: opposite the copy.

    >>> product_side("copy space left")
    'right'
    """
    opposite: dict[Side, Side] = {"left": "right", "right": "left", "center": "center"}
    return opposite[copy_side(composition)]


def prompt(look: Look) -> str:
    """The canonical caption.

    >>> prompt(Look("beach", "blue", "golden hour", "copy space left"))
    'beach, blue palette, golden hour, copy space left'
    >>> prompt(Look("beach", "blue", season="summer", material="wood"))
    'beach, blue palette, soft light, centered, summer, wood surface'
    """
    words = [look.scene, f"{look.palette} palette", look.light, look.composition]
    words += [_TABLES[a][getattr(look, a)][0] for a in OPTIONAL if getattr(look, a) != "none"]
    return ", ".join(words)


def phrases(attribute: str, value: str) -> tuple[str, ...]:
    """The ways people write a value of light, composition, season, mood or material; none for "none"."""
    return _TABLES[attribute][value]


def understand(text: str) -> Understood:
    """Read a prompt. The longest known phrase wins at each place; the first statement of an attribute counts.

    >>> found = understand("sandy beach at night with a flamingo, blue tones")
    >>> found.look_parts
    {'scene': 'beach', 'light': 'night', 'palette': 'blue'}
    >>> found.unknown
    ('flamingo',)
    """
    words = _words(text)
    known = _phrases()
    longest = max(len(phrase) for phrase in known)
    parts: dict[str, str] = {}
    unknown: list[str] = []
    contradicted: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            found = known.get(words[at : at + length])
            if found:
                attribute, value = found
                if parts.setdefault(attribute, value) != value:
                    contradicted.append(" ".join(words[at : at + length]))
                at += length
                break
        else:
            if words[at] not in FILLERS and words[at] not in PALETTE_NOUNS:
                unknown.append(words[at])
            at += 1
    return Understood(parts, tuple(unknown), tuple(contradicted))


def every_phrase() -> Iterator[tuple[str, str, str]]:
    """All (attribute, canonical word, phrase) triples, the scenes' own synonyms included."""
    for scene in scene_names():
        for phrase in scene_words(scene):
            yield "scene", scene, phrase
    for palette in PALETTES:
        for phrase in (palette, *(f"{palette} {noun}" for noun in PALETTE_NOUNS)):
            yield "palette", palette, phrase
    for attribute, table in _TABLES.items():
        for value, written in table.items():
            for phrase in written:
                yield attribute, value, phrase


@lru_cache
def _phrases() -> dict[tuple[str, ...], tuple[str, str]]:
    return {_words(phrase): (attribute, value) for attribute, value, phrase in every_phrase()}


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.lower()))
