"""The logo on whatever lies under it: in one colour where it has only one, else as it is, on a chip if need be."""

from __future__ import annotations

import numpy as np
import skia

from dco.compose.colour import Bytes, contrast, luminance, luminance_of, rgb
from dco.compose.kit import Kit, Layer

ENOUGH = 3.0
"""Contrast a logo needs: WCAG 2.2, 1.4.11, graphical objects."""
_ONE_COLOUR = 14.0
"""Spread, in bytes, up to which the opaque pixels of a logo count as one colour."""


def mark(logo: Bytes, ground: Bytes, x: int, y: int, kit: Kit, ink: str) -> list[Layer]:
    """Layers that show a logo at (x, y) so that it can be seen.

    A one-colour logo takes the text colour, as brands' own positive and negative versions do. One with
    several colours is never touched: where too little of it stands out, it gets a chip of the brand's paper or ink.
    """
    tall, wide = logo.shape[:2]
    under = ground[y : y + tall, x : x + wide]
    body = logo[logo[..., 3] > 200][:, :3].astype(float)
    if not len(body) or float(body.std(0).max()) <= _ONE_COLOUR:
        colour, clear = _clearest(under, (ink, kit.colors["paper"], kit.colors["ink"]))
        tinted = logo.copy()
        tinted[..., :3] = rgb(colour)
        chip = [] if clear >= ENOUGH else [_chip(tinted, x, y, kit, ground.shape)]
        return [*chip, Layer("logo", x, y, tinted)]
    if _visible(logo, under) >= 0.6:
        return [Layer("logo", x, y, logo)]
    return [_chip(logo, x, y, kit, ground.shape), Layer("logo", x, y, logo)]


def _clearest(under: Bytes, colours: tuple[str, str, str]) -> tuple[str, float]:
    """The text colour where it reads as well as text must; else whichever reads best. With its contrast."""
    light = luminance(under.reshape(-1, 3))
    scores = [float(np.percentile(contrast(light, luminance_of(c)), 10)) for c in colours]
    best = 0 if scores[0] >= 4.5 else int(np.argmax(scores))
    return colours[best], scores[best]


def _visible(logo: Bytes, under: Bytes) -> float:
    """The part of a logo's opaque pixels that stands out from what is under it."""
    shows = logo[..., 3] > 200
    return float((contrast(luminance(logo[..., :3]), luminance(under))[shows] >= 1.8).mean())


def _chip(logo: Bytes, x: int, y: int, kit: Kit, shape: tuple[int, ...]) -> Layer:
    tall, wide = logo.shape[:2]
    pad = max(2, round(0.16 * min(tall, wide)))
    own = luminance(logo[logo[..., 3] > 200][:, :3])
    best = max(
        ("paper", "ink"), key=lambda r: float((contrast(own, luminance_of(kit.colors[r])) >= 1.8).mean())
    )
    left, top = max(0, x - pad), max(0, y - pad)
    w, h = min(shape[1], x + wide + pad) - left, min(shape[0], y + tall + pad) - top
    pixels = np.zeros((h, w, 4), np.uint8)
    radius = 0.22 * min(w, h)
    paint = skia.Paint(AntiAlias=True, Color=skia.ColorBLACK)
    skia.Surface(pixels).getCanvas().drawRoundRect(skia.Rect.MakeWH(w, h), radius, radius, paint)
    pixels[..., :3] = rgb(kit.colors[best])
    return Layer("chip", left, top, pixels)
