"""A plain typeset name in place of a logo, for brands that have not given theirs."""

from __future__ import annotations

import numpy as np
import skia

from dco.compose.colour import Bytes, rgb
from dco.compose.typeface import face
from dco.errors import BadInput

HEIGHT_PX = 120
LONGEST = 24


def wordmark(name: str, font: bytes, color: str) -> Bytes:
    """A brand's name in one colour on nothing, uint8[h, w, 4] with straight alpha, cropped to its ink.

    Args:
        name: at most 24 characters are drawn. font: TrueType or OpenType bytes. color: '#rrggbb'.

    Raises:
        BadInput: the name is blank, or the font has no glyph for it.
    """
    text = name.strip()[:LONGEST]
    typeface = face(font)
    if not text or typeface is None:
        raise BadInput(f"wordmark: expected a name and a font, got {name!r}")
    type_ = skia.Font(typeface, HEIGHT_PX)
    if 0 in type_.textToGlyphs(text):
        raise BadInput(f"wordmark: the font has no glyph for some character of {text!r}; give a logo file")
    width, height = int(type_.measureText(text)) + 40, 2 * HEIGHT_PX
    surface = skia.Surface(width, height)
    red, green, blue = rgb(color)
    paint = skia.Paint(AntiAlias=True, Color=skia.Color(red, green, blue))
    with surface as canvas:
        canvas.drawString(text, 20, 1.4 * HEIGHT_PX, type_, paint)
    pixels = np.array(surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType), np.uint8)
    ink = pixels[..., 3] > 0
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    cut[..., :3] = (red, green, blue)
    return cut
