"""Warm strings of lights behind a table, fir twigs with baubles in the outer corner, a wrapped gift at the side."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, ellipse, mix, over, screen, soft, uniform_at
from dco.generate.paint.lens import bokeh, halo
from dco.generate.paint.materials import level, surface

LAMP = np.array([1.0, 0.79, 0.47], np.float32)
GOLD = np.array([0.86, 0.66, 0.34], np.float32)
FIR = np.array([0.13, 0.26, 0.17], np.float32)
STRINGS, BULBS = 3, 15
TWIGS = 6
BAUBLES = 3
GLOWS = 11


def paint(s: Stage) -> Array:
    outer = _outer(s)
    edge = s.at_v(s.draw(0.73, 0.77))
    picture = _wall(s)
    for j in range(STRINGS):
        _string(s, picture, j, edge)
    _table(s, picture, edge)
    _gift(s, picture, outer, edge)
    _corner(s, picture, outer)
    return picture


def _outer(s: Stage) -> float:
    """The side of the frame the decoration hangs on: the product's, or the sun's where the product is central."""
    return s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))


def _wall(s: Stage) -> Array:
    dusk = 0.35 + 0.3 * s.drama + 0.35 * s.night
    low = s.light * (0.5 - 0.4 * dusk) + s.mid * 0.5 + s.deep * (0.4 * dusk)
    high = s.mid * (0.9 - 0.5 * dusk) + s.deep * (0.1 + 0.5 * dusk)
    wall = s.ramp(low, high, np.clip(0.2 + 0.5 * (s.u - s.focus_u) ** 2 + 0.45 * (1 - s.v * 1.3), 0, 1))
    gone = ((s.x - s.focus) / 0.9) ** 2 + ((s.y - s.at_v(0.5)) / 0.6) ** 2
    screen(wall, np.exp(-gone) * 0.26, _lamp(s, 0.35))
    for px, py, size, shine in s.draws(GLOWS, 4).tolist():
        place = (s.focus + (2 * px - 1) * 0.75 * s.half_w, s.at_v(0.1 + 0.6 * py))
        bokeh(s, wall, place, 0.07 + 0.1 * size, 0.05 + 0.15 * shine, _lamp(s, 0.2))
    return wall


def _string(s: Stage, picture: Array, j: int, edge: float) -> None:
    """A slack cord of bulbs across the wall; the farther one is smaller and more blurred."""
    far = 1 - j / (STRINGS - 1)
    y0, sag, lean = s.at_v(0.02 + 0.13 * j + s.draw(0, 0.1)), s.draw(0.15, 0.4), s.draw(-0.2, 0.2)
    span, start = s.draw(1.7, 2.6) * s.half_w, s.draw()
    bulbs = s.draws(4 * BULBS, 3)
    tint = _lamp(s, 0.06)
    gain = 0.75 + 0.25 * max(s.night, s.drama, s.gold)
    # The cord hangs from hooks a span apart; its sag between them is a parabola.
    hang = (s.x / span + start) % 1
    cord = y0 + lean * s.u + sag * (1 - (2 * hang - 1) ** 2)
    thin = max(0.0035, 0.4 * s.pixel)
    over(picture, np.exp(-(((s.y - cord) / thin) ** 2)) * 0.28 * (1 - far), s.deep)
    for k, (jitter, size, shine) in enumerate(bulbs.tolist()):
        x = (k - 2 * BULBS + 0.4 * jitter) * 0.17 * max(1.0, s.half_w / 4.8)
        if abs(x) > s.half_w + 0.1:
            continue
        at = (x / span + start) % 1
        y = y0 + lean * x / s.half_w + sag * (1 - (2 * at - 1) ** 2) + 0.015
        if y > edge:
            continue
        radius = (0.016 + 0.008 * size) * (1 + 1.3 * far)
        calm = 1.0 if s.copy_side == "center" or x * s.focus > 0 else 0.68
        strength = (0.55 + 0.4 * shine) * (1 - 0.3 * far) * calm * gain
        halo(s, picture, (x, y), radius * 4.6, strength * 0.36, tint)
        bokeh(s, picture, (x, y), radius, strength, tint * 0.8 + 0.2)
        halo(s, picture, (x, y), radius * 0.62, strength * (0.9 - 0.5 * far), tint * 0.3 + 0.7)


def _lamp(s: Stage, amount: float) -> Array:
    """The colour of a burning lamp: `Stage.local` without its dimming, for a lamp gives light and takes none."""
    return np.minimum(s.local(LAMP, amount) / (1 - 0.6 * s.dim * (1 - amount)), 1)


def _table(s: Stage, picture: Array, edge: float) -> None:
    top = surface(s.fork("surface"), s.surface("wood"), level(s, edge))
    behind = picture[:, np.clip(np.searchsorted(s.y[:, 0], 2 * edge - s.y[:, 0]), 0, s.height - 1)]
    depth = np.clip((s.y - edge) / 0.5, 0, 1)
    screen(top, 0.16 * (1 - depth) ** 2, behind)
    glow = np.exp(-(((s.x - s.focus) / 0.7) ** 2) - ((s.y - s.at_v(0.86)) / 0.3) ** 2)
    screen(top, glow * 0.13, _lamp(s, 0.3))
    over(picture, np.exp(np.minimum(s.y - edge, 0) / 0.07) * 0.35, s.deep * 0.7)
    over(picture, s.edge(s.y - edge, 0.012), top)


def _gift(s: Stage, picture: Array, outer: float, edge: float) -> None:
    """A wrapped box at the outer side behind the product, a little out of focus."""
    wide, tall, ribbon_at = s.draw(0.2, 0.28), s.draw(0.26, 0.4), s.draw(-0.25, 0.25)
    x = s.focus + outer * min(s.draw(0.5, 0.62), max(0.42, (s.half_w - abs(s.focus)) * 0.95))
    base, pale = edge + 0.07, s.draw() < 0.6
    w = s.window(x, base - tall / 2, wide * 2.2, tall)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    foot = np.exp(-(((w.x - x + s.sun * 0.06) / (wide * 1.15)) ** 2) - ((w.y - base) / 0.035) ** 2)
    over(part, foot * 0.6, s.deep0 * 0.4)
    blur = 0.014
    side = soft(wide - np.abs(w.x - x), blur)
    box = side * soft(w.y - base + tall, blur) * soft(base - w.y, blur)
    lit = np.clip(0.55 - 0.35 * s.sun * (w.x - x) / wide - 0.25 * (w.y - base + tall) / tall, 0, 1)
    paper = s.light0 * (0.94 - 0.5 * s.dim) if pale else s.deep * 0.62 + s.mid * 0.2 + s.accent * 0.12
    over(part, box, mix(paper * 0.66, paper * 1.08, lit))
    over(
        part,
        box * soft(w.y - base + tall - 0.05, 0.05) * np.exp((base - tall + 0.06 - w.y) / 0.05) * 0.4,
        s.deep,
    )
    lid = soft(wide * 1.06 - np.abs(w.x - x), blur) * soft(0.045 - np.abs(w.y - base + tall - 0.02), blur)
    over(part, lid, mix(paper * 0.76, paper * 1.14, lit))
    gold = s.local(GOLD, 0.15)
    knot_x, knot_y = x + ribbon_at * wide, base - tall - 0.035
    band = soft(0.03 - np.abs(w.x - knot_x), blur * 0.8) * np.maximum(box, lid)
    over(part, band, mix(gold * 0.62, gold * 1.2, lit))
    _bow(s, part, w.x - knot_x, w.y - knot_y, gold)


def _bow(s: Stage, part: Array, dx: Array, dy: Array, gold: Array) -> None:
    """Two loops that open outwards and show their darker inside, two tails, and the knot over them."""
    for turn in (-1.0, 1.0):
        along = (dx * turn) * 0.9 - dy * 0.44
        across = (dx * turn) * 0.44 + dy * 0.9
        belly = 0.044 * np.clip(along / 0.09, 0, 1) ** 0.7
        loop = soft(belly - np.abs(across), 0.009) * soft(0.125 - along, 0.012) * soft(along, 0.01)
        over(part, loop, mix(gold * 1.25, gold * 0.6, np.clip(0.45 + across * 9 - along * 1.5, 0, 1)))
        inside = soft(0.55 * belly - np.abs(across + 0.004), 0.008) * soft(along - 0.045, 0.014)
        over(part, inside * soft(0.112 - along, 0.01) * 0.75, gold * 0.42)
        tail = soft(0.017 - np.abs(dx - turn * (0.02 + 0.75 * dy)), 0.009) * soft(dy, 0.008)
        over(part, tail * soft(0.1 - dy, 0.01), mix(gold * 1.1, gold * 0.7, np.clip(dy * 9, 0, 1)))
    knot = 1 - np.sqrt((dx / 0.026) ** 2 + (dy / 0.024) ** 2)
    over(part, soft(knot, 0.3), mix(gold * 0.7, gold * 1.3, np.clip(0.5 - dy * 18 - dx * s.sun * 8, 0, 1)))


def _corner(s: Stage, picture: Array, outer: float) -> None:
    """Twigs from the outer upper corner, and baubles on threads below them."""
    root_x, root_y = outer * (s.half_w + 0.06), -s.half_h - 0.04
    reach = min(1.0, 0.6 + 0.4 * s.half_w)
    hung = []
    for j, (turn, long, bend, tone, drop) in enumerate(s.draws(TWIGS, 5).tolist()):
        angle = (0.12 + 0.25 * (j % 3) + 0.12 * turn) * np.pi
        length = (0.42 + 0.4 * long) * reach
        start = (root_x - outer * 0.16 * (j % 2) * reach, root_y + 0.12 * (j // 3))
        heading = (-outer * float(np.cos(angle)), float(np.sin(angle)))
        _twig(s, picture, start, heading, length, (bend - 0.5) * 0.5, tone, j)
        hung.append((start[0] + heading[0] * length * 0.6, start[1] + heading[1] * length * 0.6, drop))
    for j, (size, kind) in enumerate(s.draws(BAUBLES, 2).tolist()):
        x, y, drop = hung[2 * j]
        radius = 0.075 + 0.045 * size
        _bauble(s, picture, (x, y + 0.1 + 0.22 * drop), radius * reach, kind, y)


def _twig(
    s: Stage,
    picture: Array,
    start: tuple[float, float],
    heading: tuple[float, float],
    length: float,
    bend: float,
    tone: float,
    j: int,
) -> None:
    """Needles leave the stem at a slant, so in coordinates along the slant they are stripes of hashed length."""
    (x, y), (cx, cy) = start, heading
    w = s.window(x + cx * length / 2, y + cy * length / 2, length * 0.62 + 0.1)
    if not (w.x.size and w.y.size):
        return
    along = ((w.x - x) * cx + (w.y - y) * cy).astype(np.float32)
    across = (w.x - x) * -cy + (w.y - y) * cx
    across = across + bend * along * along / length
    part = picture[w.cut]
    green = s.local(FIR, 0.3)
    taper = np.clip((length - along) / 0.16, 0, 1) ** 0.5 * (along > -0.05)
    for layer, (slant, pitch, span) in enumerate(
        ((0.55, 0.0125, 0.1), (1.15, 0.0145, 0.105), (2.2, 0.012, 0.07))
    ):
        q = (along - np.abs(across) * slant) / pitch
        cell = np.floor(q)
        side = (across > 0).astype(np.int64)
        key = uniform_at(991 + 17 * j + layer, cell.astype(np.int64), side)
        reach = span * (0.62 + 0.38 * key) * taper
        gone = np.clip(np.abs(across) / np.maximum(reach, 1e-4), 0, 2)
        thin = 0.34 * np.clip(1.15 - gone, 0, 1)
        sharp = np.float32(np.clip(pitch / s.pixel - 0.6, 0, 1))
        stripe = soft(thin - np.abs(q - cell - 0.5), 0.1) * sharp + thin * 1.5 * (1 - sharp)
        cover = np.minimum(stripe, 1) * (gone < 1.2) * (taper > 0.12)
        lit = np.clip(
            0.35 + 0.4 * key + 0.2 * tone - 0.28 * (layer == 0) + 0.12 * (layer == 2) + 2 * across * s.sun,
            0,
            1,
        )
        over(part, cover * 0.95, mix(green * 0.5, green * 1.5 + _lamp(s, 0.3) * 0.1, lit))
    stem = (
        soft(0.005 * np.clip(1.2 - along / length, 0, 1) - np.abs(across), 0.004)
        * (along > 0)
        * (along < length)
    )
    over(part, stem * 0.6, s.local(np.array([0.3, 0.2, 0.13], np.float32), 0.25))


def _bauble(
    s: Stage, picture: Array, place: tuple[float, float], radius: float, kind: float, hook: float
) -> None:
    """A glass ball: shade by the angle to the light, a window of light on it, and the room's warm edge around it."""
    x, y = place
    thread = s.window(x, (hook + y - radius) / 2, 0.01, max((y - radius - hook) / 2, 0.01))
    gold = s.local(GOLD, 0.15)
    line = np.exp(-(((thread.x - x) / max(0.0025, 0.4 * s.pixel)) ** 2)) * np.ones_like(thread.y)
    over(picture[thread.cut], line * 0.5, gold)
    w = s.window(x, y, radius * 1.35)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    neck = soft(0.2 * radius - np.abs(w.x - x), 0.006) * soft(
        0.13 * radius - np.abs(w.y - y + radius * 1.07), 0.006
    )
    over(part, neck, gold[:, None, None] * (0.75 + 0.3 * (w.x - x) / radius))
    nx, ny = (w.x - x) / radius, (w.y - y) / radius
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
    facing = np.clip(-s.sun * 0.5 * nx - 0.55 * ny + 0.67 * nz, 0, 1)
    glass = (
        gold if kind < 0.35 else s.accent * (1 - 0.45 * s.dim) if kind < 0.7 else s.mid * 0.9 + s.deep * 0.1
    )
    ball = mix(glass * 0.26 + s.deep * 0.12, glass * 1.12, facing**1.3)
    screen(ball, (1 - nz) ** 2.5 * 0.4 * np.clip(0.6 + ny, 0, 1), _lamp(s, 0.3))
    spot = np.exp(-(((nx + s.sun * 0.4) / 0.2) ** 2) - ((ny + 0.44) / 0.14) ** 2)
    screen(ball, spot * 0.85, np.ones(3, np.float32))
    small = np.exp(-(((nx - s.sun * 0.34) / 0.09) ** 2) - ((ny - 0.38) / 0.07) ** 2)
    screen(ball, small * 0.5, _lamp(s, 0.1))
    over(part, s.edge(ellipse(w, x, y, radius, radius), 0.006), ball)


SCENE = Scene(
    ("festive lights", "holiday lights", "christmas decoration", "fairy lights and baubles"),
    paint,
    surface=True,
)
