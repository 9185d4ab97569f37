"""Words into lines, lines into pixels. Shaping is skia's; where lines break is decided here.

Fonts come as bytes and only those are used: no system font ever stands in, so the same ad has the same pixels on every
machine, and a character the brand's font lacks is an error instead of an empty box.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import skia

from dco.compose.colour import Bytes, rgb
from dco.compose.typeface import face as face_of
from dco.compose.wrap import balance, lone_lines, pieces
from dco.errors import BadPicture, DoesNotFit

Role = Literal["headline", "body"]
Align = Literal["left", "center", "right"]

_UNIT = 100.0
"""Size, in pixels, at which text is measured; advances are linear in the size."""
_DESCENT = 0.2
"""Depth, in em, that is kept free below a last line even where no letter descends, so that gaps look even."""


class Style(NamedTuple):
    """How a kind of text is set. Leading and tracking in em."""

    role: Role
    leading: float
    tracking: float


HEADLINE = Style("headline", 1.1, -0.018)
SUBHEAD = Style("body", 1.34, 0.0)
BUTTON = Style("headline", 1.0, 0.002)


class Fonts:
    """A brand's two typefaces, ready to measure and draw with.

    Raises:
        BadPicture: a font file cannot be read.
    """

    def __init__(self, headline: bytes, body: bytes) -> None:
        provider = skia.textlayout.TypefaceFontProvider()
        self._faces: dict[str, skia.Typeface] = {}
        for role, data in (("headline", headline), ("body", body)):
            face = face_of(data)
            if face is None or not face.countGlyphs():
                raise BadPicture(f"{role} font: {len(data)} bytes that are no TrueType or OpenType font")
            provider.registerTypeface(face, role)
            self._faces[role] = face
        self._collection = skia.textlayout.FontCollection()
        self._collection.setDefaultFontManager(provider)
        self._unicode = skia.Unicodes.ICU.Make()

    def bold(self, role: Role) -> bool:
        """Whether the face is 700 or heavier, which lets large type do with less contrast."""
        return bool(self._faces[role].isBold())

    def cap_height(self, role: Role) -> float:
        """Height of a capital, in em."""
        height = skia.Font(self._faces[role], _UNIT).getMetrics().fCapHeight
        return (height or 0.7 * _UNIT) / _UNIT

    def lacking(self, text: str, role: Role) -> str:
        """The characters of the text that the face has no glyph for."""
        face = self._faces[role]
        marks = ("Cc", "Cf", "Zs", "Zl", "Zp")
        return "".join(
            c for c in text if not face.unicharToGlyph(ord(c)) and unicodedata.category(c) not in marks
        )

    def line(self, text: str, style: Style, px: float, color: str = "#000000") -> skia.textlayout.Paragraph:
        """One shaped line at that size."""
        layout = skia.textlayout
        look = layout.TextStyle()
        look.setFontFamilies([style.role])
        look.setFontSize(px)
        look.setLetterSpacing(style.tracking * px)
        look.setColor(skia.Color(*rgb(color)))
        whole = layout.ParagraphStyle()
        whole.setTextStyle(look)
        builder = layout.ParagraphBuilder.make(whole, self._collection, self._unicode)
        builder.pushStyle(look)
        builder.addText(text)
        builder.pop()
        paragraph = builder.Build()
        paragraph.layout(100_000.0)
        return paragraph

    def width(self, text: str, style: Style) -> float:
        """Advance width of a line, in em."""
        return max(0.0, self.line(text, style, _UNIT).LongestLine / _UNIT - style.tracking)

    def reach(self, text: str, role: Role) -> tuple[float, float]:
        """How far the ink goes above and below the baseline, in em; both positive."""
        bounds = skia.Rect()
        skia.Font(self._faces[role], _UNIT).measureText(text, skia.TextEncoding.kUTF8, bounds)
        return max(0.0, -bounds.top()) / _UNIT, max(0.0, bounds.bottom()) / _UNIT


@lru_cache(maxsize=16)
def fonts_of(headline: bytes, body: bytes) -> Fonts:
    """The two faces; equal bytes give the same object, since reading a font costs as much as setting an ad."""
    return Fonts(headline, body)


class Break(NamedTuple):
    """A text in lines. `em`: width of the widest; `spread`: standard deviation of their widths over the mean; `lone`: how many
    are one short word."""

    lines: tuple[str, ...]
    em: float
    spread: float
    lone: int


class Text:
    """One text measured once: its best breaks into 1, 2, 3 ... lines, for fitting at any size.

    Raises:
        DoesNotFit: the font lacks a character.
    """

    MOST_LINES = 9

    def __init__(self, fonts: Fonts, text: str, style: Style, name: str, where: str) -> None:
        self.text = " ".join(re.split(r"[ \t\r\n]+", unicodedata.normalize("NFC", text).strip(" \t\r\n")))
        self.fonts, self.style, self.name, self.where = fonts, style, name, where
        if not fonts.lacking("’", style.role):
            # Some fonts draw the typewriter's mark curly in one word and straight in the next.
            self.text = re.sub(r"(?<=\w)'(?=\w)", "’", self.text)
        lacking = fonts.lacking(self.text, style.role)
        if lacking:
            shown = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in dict.fromkeys(lacking))
            raise DoesNotFit(
                f"{where}, {name} {self.text!r}: the {style.role} font has no glyph for {shown}; "
                "use another font of the brand or other words"
            )
        self.cap = fonts.cap_height(style.role)
        self._breaks = self._all_breaks()

    @property
    def breaks(self) -> tuple[Break, ...]:
        """The best breaking into 1, 2, 3 ... lines."""
        return self._breaks

    @property
    def longest_word(self) -> float:
        """Width, in em, that no line break can go below."""
        return self._breaks[-1].em

    @property
    def width(self) -> float:
        """Width of the whole text on one line, in em."""
        return self._breaks[0].em

    def lines(self, px: float, width: float, most: int, *, orphan: bool = False) -> tuple[str, ...] | None:
        """The fewest balanced lines, at most `most`, that fit the width; None where none do.

        Breaks that leave a short word alone on a line count only with `orphan`.
        """
        for found in self._breaks[:most]:
            if found.em * px <= width and (orphan or not found.lone):
                return found.lines
        return None

    def height(self, px: float, lines: tuple[str, ...]) -> float:
        """From the top of the capitals, or of an accent above them, to the lowest ink. Pixels."""
        return self.rise(px, lines) + self.depth(px, lines) + (len(lines) - 1) * self.leading(px)

    def leading(self, px: float) -> float:
        """From baseline to baseline. Pixels."""
        return round(self.style.leading * px)

    def rise(self, px: float, lines: tuple[str, ...]) -> float:
        """From the top of the text to its first baseline. Pixels."""
        return math.ceil(px * max(self.cap, self.fonts.reach(lines[0], self.style.role)[0]) + 0.5)

    def depth(self, px: float, lines: tuple[str, ...]) -> float:
        """From the last baseline down to the lowest ink. Pixels."""
        return math.ceil(px * max(_DESCENT, self.fonts.reach(lines[-1], self.style.role)[1]) + 0.5)

    def _all_breaks(self) -> tuple[Break, ...]:
        words = pieces(self.text)
        if not words:
            return (Break(("",), 0.0, 0.0, 0),)
        widths = [self.fonts.width(w.strip(" "), self.style) for w in words]
        blank = self.fonts.width("n n", self.style) - self.fonts.width("nn", self.style)
        gaps = [blank if w.endswith(" ") else 0.0 for w in words]
        breaks = []
        for count in range(1, min(len(words), self.MOST_LINES) + 1):
            cuts = balance(words, widths, gaps, count)
            lines = tuple("".join(words[a:b]).strip(" ") for a, b in pairwise(cuts))
            ems = [self.fonts.width(line, self.style) for line in lines]
            spread = float(np.std(ems) / max(float(np.mean(ems)), 1e-6))
            breaks.append(Break(lines, max(ems), spread, lone_lines(words, cuts, widths, gaps)))
        return tuple(breaks)


@dataclass(frozen=True, eq=False)
class Ink:
    """Drawn text: straight-alpha pixels cut to the ink, and where they stand in the ad."""

    pixels: Bytes
    x: int
    y: int


def draw(
    text: Text, lines: tuple[str, ...], px: float, color: str, x: float, y: float, width: float, align: Align
) -> Ink:
    """Set lines with the top of their capitals at y, between x and x + width. Left edges align by ink."""
    pad = math.ceil(px * 0.6) + 2
    rise, leading = text.rise(px, lines), text.leading(px)
    tall = math.ceil(text.height(px, lines)) + 2 * pad
    wide = math.ceil(width) + 2 * pad
    canvas_pixels = np.zeros((tall, wide, 4), np.uint8)
    canvas = skia.Surface(canvas_pixels).getCanvas()
    for index, line in enumerate(lines):
        paragraph = text.fonts.line(line, text.style, px, color)
        free = width - paragraph.LongestLine + text.style.tracking * px
        left = {"left": 0.0, "center": free / 2, "right": free}[align]
        baseline = pad + rise + index * leading
        paragraph.paint(canvas, pad + round(left), baseline - paragraph.AlphabeticBaseline)
    alpha = canvas_pixels[..., 3]
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if not rows.size:
        return Ink(np.zeros((1, 1, 4), np.uint8), round(x), round(y))
    top, left_edge = int(rows[0]), int(columns[0])
    cut = canvas_pixels[top : rows[-1] + 1, left_edge : columns[-1] + 1]
    at = round(x) if align == "left" else round(x) - pad + left_edge
    return Ink(_coverage(cut, color), at, round(y) - pad + top)


def _coverage(premultiplied: Bytes, color: str) -> Bytes:
    """Text of one colour from skia's premultiplied pixels: its colour everywhere, its coverage as alpha."""
    out = np.empty_like(premultiplied)
    out[..., :3] = rgb(color)
    out[..., 3] = premultiplied[..., 3]
    return out
