"""The sample brand, drawn by code: a bag of coffee, a logo, colours and words of a house that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import skia

from dco.compose.colour import Bytes, rgb
from dco.records import Copy

NAME = "Aurora Coffee"
COLORS: Mapping[str, str] = {
    "ink": "#14202e",
    "paper": "#fff8ec",
    "accent": "#f4a23c",
    "on_accent": "#14202e",
}
COPY = Copy("Mornings worth waking for", "Small-batch beans, roasted the day they ship.", "Shop the roast")

Point = tuple[float, float]


class Glyph(NamedTuple):
    """A letter as strokes in a unit box: advance width, lines, and arcs (x, y, w, h, start, sweep in degrees)."""

    advance: float
    lines: tuple[tuple[Point, ...], ...] = ()
    arcs: tuple[tuple[float, float, float, float, float, float], ...] = ()


_LETTERS: Mapping[str, Glyph] = {
    "A": Glyph(0.92, (((0.0, 1.0), (0.46, 0.0), (0.92, 1.0)),)),
    "U": Glyph(0.8, (((0.0, 0.0), (0.0, 0.6)), ((0.8, 0.6), (0.8, 0.0))), ((0.0, 0.2, 0.8, 0.8, 180, -180),)),
    "R": Glyph(
        0.68,
        (((0.0, 1.0), (0.0, 0.0), (0.36, 0.0)), ((0.36, 0.54), (0.0, 0.54)), ((0.34, 0.54), (0.68, 1.0))),
        ((0.08, 0.0, 0.56, 0.54, -90, 180),),
    ),
    "O": Glyph(1.0, (), ((0.0, 0.0, 1.0, 1.0, 0, 360),)),
    "C": Glyph(0.86, (), ((0.0, 0.0, 1.0, 1.0, -45, -270),)),
    "F": Glyph(0.58, (((0.58, 0.0), (0.0, 0.0), (0.0, 1.0)), ((0.0, 0.48), (0.5, 0.48)))),
    "E": Glyph(0.58, (((0.58, 0.0), (0.0, 0.0), (0.0, 1.0), (0.58, 1.0)), ((0.0, 0.48), (0.5, 0.48)))),
}


def sample_product() -> Bytes:
    """A bag of coffee: uint8[1100, 900, 4], straight alpha."""
    pixels = np.zeros((1100, 900, 4), np.uint8)
    canvas = _canvas(pixels)
    canvas.drawPaint(_linear((0, 60), (0, 1060), ["#27455a", "#1b3347", "#13263a"]))
    _label(canvas)
    _shade(canvas)
    # Cut out once, at the end: clipping each layer of paint by itself would leave the first one's colour along the edge.
    canvas.saveLayer(None, skia.Paint(BlendMode=skia.BlendMode.kDstIn))
    canvas.drawPath(_bag(), skia.Paint(AntiAlias=True))
    canvas.restore()
    _top(canvas)
    return pixels


def sample_logo() -> Bytes:
    """A rising sun and the name in one colour: uint8[h, w, 4], straight alpha."""
    pixels = np.zeros((300, 1500, 4), np.uint8)
    canvas = _canvas(pixels)
    _sun(canvas, 180, 190, 74, COLORS["ink"], 20)
    _write(canvas, "AURORA", 376, 78, 144, 0.3, COLORS["ink"], 25)
    return pixels[20:250, 20:1480].copy()


def _canvas(pixels: Bytes) -> skia.Canvas:
    """A canvas that paints into uint8[h, w, 4] as straight alpha in RGBA order."""
    return skia.Surface(
        pixels, colorType=skia.kRGBA_8888_ColorType, alphaType=skia.kUnpremul_AlphaType
    ).getCanvas()


def _bag() -> skia.Path:
    """Outline of a flat-bottomed bag, a little wider at the foot, with softly bulging sides."""
    path = skia.PathBuilder()
    path.moveTo(182, 128)
    path.lineTo(718, 128)
    path.cubicTo(722, 260, 744, 380, 746, 600)
    path.cubicTo(747, 780, 744, 930, 740, 1034)
    path.cubicTo(739, 1052, 730, 1059, 708, 1062)
    path.cubicTo(560, 1076, 340, 1076, 192, 1062)
    path.cubicTo(170, 1059, 161, 1052, 160, 1034)
    path.cubicTo(156, 930, 153, 780, 154, 600)
    path.cubicTo(156, 380, 178, 260, 182, 128)
    path.close()
    return path.detach()


def _label(canvas: skia.Canvas) -> None:
    """The front: an arched window on a dawn with sun, northern lights and ridges; the name below it."""
    left, right, top, foot = 262.0, 638.0, 268.0, 716.0
    arch = skia.PathBuilder()
    arch.moveTo(left, foot)
    arch.lineTo(left, top + 188)
    arch.arcTo(skia.Rect(left, top, right, top + 376), 180, 180, False)
    arch.lineTo(right, foot)
    arch.close()
    window = arch.detach()
    canvas.save()
    canvas.clipPath(window, doAntiAlias=True)
    canvas.drawPaint(
        _linear((0, top), (0, foot), ["#16324f", "#2d6b7d", "#f1a862", "#f8d9a0"], [0, 0.4, 0.74, 1])
    )
    for shift, colour, alpha in ((0, "#6fe3c1", 150), (46, "#9d8cf0", 130), (-52, "#bff2d8", 90)):
        _ribbon(canvas, shift, colour, alpha)
    canvas.drawCircle(450, 598, 74, _fill("#fff3d6"))
    canvas.drawCircle(450, 598, 112, _fill("#ffe6b0", 80, blur=26))
    _ridge(canvas, [(250, 640), (340, 566), (404, 622), (470, 580), (560, 648), (650, 590)], foot, "#3f7480")
    _ridge(canvas, [(250, 668), (318, 640), (420, 684), (520, 628), (584, 664), (650, 640)], foot, "#24505f")
    _ridge(canvas, [(250, 700), (360, 668), (470, 704), (570, 676), (650, 700)], foot, "#143142")
    canvas.restore()
    canvas.drawPath(window, _stroke("#e9c893", 5))
    _write(canvas, "AURORA", 268, 788, 58, 0.0, "#fff4df", 9.5, width=364)
    _write(canvas, "COFFEE", 346, 898, 26, 0.0, "#e9c893", 5.0, width=208)
    canvas.drawLine(262, 911, 318, 911, _stroke("#e9c893", 3))
    canvas.drawLine(582, 911, 638, 911, _stroke("#e9c893", 3))


def _ribbon(canvas: skia.Canvas, shift: float, colour: str, alpha: int) -> None:
    """One curtain of northern light."""
    path = skia.PathBuilder()
    path.moveTo(240, 470 + shift)
    path.cubicTo(330, 300 + shift, 420, 560 + shift, 500, 390 + shift)
    path.cubicTo(560, 290 + shift, 610, 380 + shift, 670, 300 + shift)
    paint = _stroke(colour, 38, alpha)
    paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 15))
    canvas.drawPath(path.detach(), paint)


def _ridge(canvas: skia.Canvas, points: list[tuple[float, float]], foot: float, colour: str) -> None:
    path = skia.PathBuilder()
    path.moveTo(points[0][0], foot)
    for x, y in points:
        path.lineTo(x, y)
    path.lineTo(points[-1][0], foot)
    path.close()
    canvas.drawPath(path.detach(), _fill(colour))


def _shade(canvas: skia.Canvas) -> None:
    """Light from the left: gusset folds, one broad sheen, soft creases, a darker foot."""
    sides = [
        (0, 0, 0, 150),
        (0, 0, 0, 20),
        (255, 255, 255, 46),
        (255, 255, 255, 0),
        (0, 0, 0, 30),
        (0, 0, 0, 165),
    ]
    colours = [skia.Color(r, g, b, a) for r, g, b, a in sides]
    stops = [0.0, 0.1, 0.24, 0.46, 0.8, 1.0]
    shader = skia.GradientShader.MakeLinear([skia.Point(144, 0), skia.Point(756, 0)], colours, stops)
    canvas.drawPaint(skia.Paint(Shader=shader))
    rim = skia.Paint(
        AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=7, Color=skia.Color(255, 255, 255, 58)
    )
    rim.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 4))
    canvas.drawPath(_bag(), rim)
    for x0, y0, x1, y1, bend, light in (
        (200, 190, 186, 980, 18, 34),
        (700, 190, 714, 980, -18, -60),
        (300, 150, 250, 262, 20, 30),
        (560, 150, 640, 270, -26, 26),
        (430, 150, 418, 236, 6, -34),
        (200, 1000, 420, 1046, 30, 22),
        (706, 990, 500, 1044, -20, -46),
    ):
        path = skia.PathBuilder()
        path.moveTo(x0, y0)
        path.quadTo((x0 + x1) / 2 + bend, (y0 + y1) / 2, x1, y1)
        crease = _stroke("#ffffff" if light > 0 else "#000000", 13, abs(light))
        crease.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 7))
        canvas.drawPath(path.detach(), crease)
    foot = [skia.Color(0, 0, 0, 0), skia.Color(0, 0, 0, 110)]
    shader = skia.GradientShader.MakeLinear([skia.Point(0, 960), skia.Point(0, 1070)], foot)
    canvas.drawPaint(skia.Paint(Shader=shader))
    under = [skia.Color(0, 0, 0, 120), skia.Color(0, 0, 0, 0)]
    shader = skia.GradientShader.MakeLinear([skia.Point(0, 128), skia.Point(0, 196)], under)
    canvas.drawPaint(skia.Paint(Shader=shader))


def _top(canvas: skia.Canvas) -> None:
    """The folded top with its crimp, and the brass tie that holds it."""
    fold = skia.Rect(178, 44, 722, 132)
    canvas.drawRoundRect(
        fold,
        9,
        9,
        skia.Paint(
            AntiAlias=True,
            Shader=_shader(
                (190, 0), (710, 0), ["#15283a", "#3a5d74", "#24425a", "#0f2030"], [0, 0.26, 0.6, 1]
            ),
        ),
    )
    for y in range(56, 124, 8):
        canvas.drawLine(186, y, 714, y, _stroke("#000000", 1.6, 60))
        canvas.drawLine(186, y + 2, 714, y + 2, _stroke("#ffffff", 1.2, 26))
    tie = skia.Rect(160, 118, 740, 148)
    shade = skia.Paint(AntiAlias=True, Color=skia.Color(0, 0, 0, 120))
    shade.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 7))
    canvas.save()
    canvas.clipPath(_bag(), doAntiAlias=True)
    canvas.drawRoundRect(tie.makeOffset(0, 9), 10, 10, shade)
    canvas.restore()
    brass = ["#7d5a25", "#e8c27c", "#fff0c9", "#c99a4b", "#8a6329"]
    canvas.drawRoundRect(
        tie,
        10,
        10,
        skia.Paint(AntiAlias=True, Shader=_shader((172, 0), (728, 0), brass, [0, 0.18, 0.3, 0.62, 1])),
    )
    canvas.drawLine(170, 122, 730, 122, _stroke("#fff6dd", 2, 130))
    canvas.drawLine(170, 145, 730, 145, _stroke("#4a3210", 2, 120))


def _sun(canvas: skia.Canvas, x: float, y: float, radius: float, colour: str, weight: float) -> None:
    """A half sun on its horizon with five rays."""
    canvas.drawArc(skia.Rect(x - radius, y - radius, x + radius, y + radius), 180, 180, True, _fill(colour))
    canvas.drawLine(
        x - 1.55 * radius, y + weight * 1.35, x + 1.55 * radius, y + weight * 1.35, _stroke(colour, weight)
    )
    for degrees in (200, 235, 270, 305, 340):
        a = np.deg2rad(degrees)
        near, far = 1.34 * radius, 1.8 * radius
        canvas.drawLine(
            float(x + near * np.cos(a)),
            float(y + near * np.sin(a)),
            float(x + far * np.cos(a)),
            float(y + far * np.sin(a)),
            _stroke(colour, weight),
        )


def _write(
    canvas: skia.Canvas,
    word: str,
    x: float,
    y: float,
    tall: float,
    gap: float,
    colour: str,
    weight: float,
    width: float = 0,
) -> None:
    """A word in stroked letters, top left at (x, y); `gap` in letter heights, or as wide as to fill `width`."""
    if width:
        gap = (width / tall - sum(_LETTERS[c].advance for c in word)) / (len(word) - 1)
    paint = _stroke(colour, weight)
    for letter in word:
        glyph = _LETTERS[letter]
        for line in glyph.lines:
            for (x0, y0), (x1, y1) in pairwise(line):
                canvas.drawLine(x + x0 * tall, y + y0 * tall, x + x1 * tall, y + y1 * tall, paint)
        for ax, ay, aw, ah, start, sweep in glyph.arcs:
            box = skia.Rect.MakeXYWH(x + ax * tall, y + ay * tall, aw * tall, ah * tall)
            canvas.drawArc(box, start, sweep, False, paint)
        x += (glyph.advance + gap) * tall


def _fill(colour: str, alpha: int = 255, blur: float = 0) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True, Color=skia.Color(*rgb(colour), alpha))
    if blur:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    return paint


def _stroke(colour: str, weight: float, alpha: int = 255) -> skia.Paint:
    return skia.Paint(
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=weight,
        StrokeCap=skia.Paint.kRound_Cap,
        Color=skia.Color(*rgb(colour), alpha),
    )


def _shader(
    a: tuple[float, float], b: tuple[float, float], colours: list[str], stops: list[float] | None = None
) -> skia.Shader:
    points = [skia.Point(*a), skia.Point(*b)]
    shades = [skia.Color(*rgb(c)) for c in colours]
    return skia.GradientShader.MakeLinear(points, shades, stops or list(np.linspace(0, 1, len(colours))))


def _linear(
    a: tuple[float, float], b: tuple[float, float], colours: list[str], stops: list[float] | None = None
) -> skia.Paint:
    return skia.Paint(AntiAlias=True, Shader=_shader(a, b, colours, stops))
