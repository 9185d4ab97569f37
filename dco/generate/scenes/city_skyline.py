"""Towers over water at dusk, row behind row in the haze, seen from a roof terrace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, uniform_at
from dco.generate.paint.lens import bokeh, defocus
from dco.generate.paint.materials import level, surface

LAMP = np.array([1.0, 0.8, 0.5], np.float32)
COLD = np.array([0.86, 0.94, 1.0], np.float32)
SKY = np.array([0.6, 0.7, 0.84], np.float32)
DUSK = np.array([1.0, 0.72, 0.52], np.float32)
ROWS = 4
REACH = 160
LIGHTS = 34
QUAY = 0.7  # fraction of the height where the water begins


class Row(NamedTuple):
    """Per column of pixels, float32[1, width]: which building, where in it, and its hashed numbers."""

    which: Array
    inside: Array
    across: Array
    roof: Array
    numbers: list[Array]


def paint(s: Stage) -> Array:
    dark = min(1.0, 0.3 + s.night + 0.45 * s.drama + 0.25 * s.gold)
    air = _air(s, dark)
    picture = _sky(s, air, dark)
    for row in range(ROWS):
        _row(s, picture, row, dark, air)
    picture = defocus(s, picture, 0.011)
    _water(s, picture, dark)
    _lights(s, picture, dark)
    _terrace(s, picture)
    return picture


def _air(s: Stage, dark: float) -> Array:
    """The colour of the haze at the horizon, which distance takes on."""
    day = s.light * 0.8 + s.mid * 0.2
    dusk = s.mid * 0.5 + s.light0 * 0.3 * (1 - 0.5 * s.night) + s.accent * 0.15
    warm = s.local(DUSK, 0.45) * (1 - 0.3 * s.night)
    return np.asarray((day * (1 - dark) + dusk * dark) * 0.72 + warm * 0.28, np.float32)


def _sky(s: Stage, air: Array, dark: float) -> Array:
    top = s.mid * (0.72 - 0.3 * dark) + s.deep * (0.62 * dark) + s.light * (0.32 * (1 - dark))
    top = top * 0.78 + s.local(SKY, 0.4) * (0.22 - 0.12 * dark)
    sky = s.ramp(top, air, np.clip(s.v / (QUAY - 0.06), 0, 1) ** 1.7)
    streaks = np.clip(s.noise(1.1, 7, octaves=5) - 0.1, 0, 1.3) * np.exp(-(((s.v - 0.3) / 0.22) ** 2))
    over(sky, streaks * 0.22, air * 0.7 + s.light * 0.3)
    gone = ((s.x - s.focus * 0.6) / 0.95) ** 2 + ((s.y - s.at_v(QUAY - 0.05)) / 0.42) ** 2
    screen(sky, np.exp(-gone) * (0.26 + 0.2 * s.gold), s.local(DUSK, 0.4))
    return sky


def _row(s: Stage, picture: Array, row: int, dark: float, air: Array) -> None:
    near = row / (ROWS - 1)
    r = _buildings(s, row)
    base = s.at_v(QUAY)
    first = int(np.searchsorted(s.y[:, 0], min(float(r.roof.min()) - 0.05, base)))
    last = int(np.searchsorted(s.y[:, 0], base + 2 * s.pixel))
    y = s.y[first:last]
    if not len(y):
        return
    haze = (0.86 - 0.68 * near) * (1 - 0.18 * dark)
    wall = (s.mid * (0.48 - 0.2 * near) + s.deep * (0.52 + 0.1 * near)) * (1 - 0.2 * dark)
    wall = np.asarray(wall[:, None, None] * (0.86 + 0.28 * r.numbers[3]), np.float32)
    shaded = (r.across > 0.6) if s.sun > 0 else (r.across < 0.4)
    turned = (r.numbers[4] > 0.45) & shaded
    # Glass gives back the sky above and the street below: light at the top, a warm foot.
    shine = np.clip((y - r.roof) / 0.7, 0, 1)
    body = mix(wall * 1.22 + air[:, None, None] * 0.1, wall * 0.82, shine) * (1 - 0.24 * turned)
    if row:
        _windows(s, body, r, y, near, dark)
    mist = np.clip(haze + (1 - near * 0.75) * 0.4 * np.exp((y - base) / 0.28), 0, 0.95)
    over(body, mist, air)
    over(picture[:, first:last], s.edge(y - r.roof, 0.0035 * (1 - near)), body)


def _buildings(s: Stage, row: int) -> Row:
    """Buildings found by counting widths outwards from the centre."""
    size = (0.075, 0.1, 0.125, 0.15)[row]
    key = s.key()
    widths = size * (0.55 + 0.8 * s.draws(REACH))
    walls = np.cumsum(widths)
    walls -= walls[REACH // 2]
    which = np.clip(np.searchsorted(walls, s.x[0], side="right"), 0, REACH - 1)
    wall, width = walls[which - 1], widths[which]
    inside = (s.x[0] - wall)[None, :]
    across = np.clip(inside / width, 0, 1)
    numbers = [uniform_at(key + k, which)[None, :] for k in range(7)]
    middle = (wall + width / 2)[None, :]
    swell = 0.5 + 0.62 * np.exp(-(((middle - s.focus * 1.15) / 0.62) ** 2))
    tall = (0.13 + 0.66 * numbers[0] ** 1.8) * swell * (1.22 - 0.2 * row) * s.half_h**0.35
    off = np.abs(across - 0.5)
    crown = np.where(numbers[1] > 0.62, (off > 0.3) * 0.12 + (off > 0.4) * 0.1, 0)
    crown = np.where(numbers[1] < 0.16, across * 0.07 * s.sun + 0.05, crown)
    mast = (off * width < max(0.0035, 0.5 * s.pixel)) & (numbers[2] > 0.8) & (numbers[0] > 0.6)
    roof = s.at_v(QUAY) - tall * (1 - crown + mast * 0.24)
    return Row(which, inside, across, np.asarray(roof, np.float32), numbers)


def _windows(s: Stage, body: Array, r: Row, y: Array, near: float, dark: float) -> None:
    pitch_x, pitch_y = 0.011 + 0.007 * near, 0.017 + 0.01 * near
    column, floor = r.inside / pitch_x, (y - s.at_v(QUAY)) / pitch_y
    places = r.which[None, :] * 512 + column.astype(np.int64)
    lamp = uniform_at(77 + int(near * 9), places, np.floor(floor).astype(np.int64))
    office = uniform_at(78, r.which[None, :], np.floor(floor).astype(np.int64))
    fx, fy = np.abs(column % 1 - 0.5) * pitch_x, np.abs(floor % 1 - 0.5) * pitch_y
    pane = s.edge(pitch_x * 0.34 - fx) * s.edge(pitch_y * 0.3 - fy)
    chance = (0.05 + 0.42 * dark) * (0.25 + r.numbers[5]) * np.where(office > 0.84, 1.9, 0.8)
    lit = (lamp < chance) * (0.3 + 0.7 * (lamp * 37 % 1))
    # Windows smaller than a pixel are their own mean; sampled they would be noise.
    sharp = np.float32(np.clip(pitch_x / s.pixel - 0.7, 0, 1))
    glow = pane * lit * sharp + 0.16 * chance * (1 - sharp)
    over(body, pane * sharp * 0.16, s.deep0 * 0.6)
    tint = mix(LAMP * 0.8 + s.accent * 0.2, COLD * 0.75 + s.light0 * 0.25, (r.numbers[6] > 0.74) * 0.85)
    over(body, np.minimum(glow * (0.45 + 0.7 * dark), 1), tint * (1.3 + 0.9 * dark))


def _water(s: Stage, picture: Array, dark: float) -> None:
    quay = s.at_v(QUAY)
    first = int(np.searchsorted(s.y[:, 0], quay))
    below = s.y[first:] - quay
    if not len(below):
        return
    chop = s.noise(5, 46, octaves=4)[first:]
    swell = s.noise(2, 16, octaves=2)[first:]
    source = np.searchsorted(s.y[:, 0], (quay - below[:, 0] * 1.9))[:, None]
    rows = source + ((chop + swell) * (0.012 + 0.12 * below) / s.pixel).astype(np.int64)
    columns = np.arange(s.width) + (chop * (0.004 + 0.05 * below) / s.pixel).astype(np.int64)
    mirror = picture[:, np.clip(rows, 0, max(first - 1, 0)), np.clip(columns, 0, s.width - 1)]
    over(
        mirror,
        np.clip(0.2 + 0.12 * dark + below * 0.8, 0, 0.7),
        s.deep * 0.55 + s.mid * 0.45 * (1 - 0.4 * dark),
    )
    screen(mirror, np.clip(chop, 0, 1.5) * 0.12, s.accent * 0.4 + s.light * 0.6)
    over(picture[:, first:], s.edge(below), mirror)
    bank = np.exp(-(((s.y - quay) / 0.012) ** 2))
    over(picture, bank * 0.55, s.deep * 0.7)


def _lights(s: Stage, picture: Array, dark: float) -> None:
    """Street lamps along the quay, out of focus, most of them on the product's side."""
    for j, (px, py, pr, strength, kind) in enumerate(s.draws(LIGHTS, 5).tolist()):
        large = j % 6 == 0
        x = s.focus * (0.9 if large else 0.5) + (2 * px - 1) * (0.6 if large else 1.0) * s.half_w
        place = (x, s.at_v(QUAY) - (0.02 + (0.3 if large else 0.16) * py**1.5))
        radius = 0.035 + 0.035 * pr if large else 0.01 + 0.016 * pr
        tint = LAMP if kind < 0.6 else COLD if kind < 0.75 else s.accent * 0.6 + LAMP * 0.4
        bokeh(s, picture, place, radius, (0.15 + 0.5 * strength) * (0.15 + 0.7 * dark), tint)


def _terrace(s: Stage, picture: Array) -> None:
    """The parapet the product stands on: a top in perspective with a rounded, lit edge."""
    edge = s.at_v(s.draw(0.79, 0.82))
    top = surface(s.fork("surface"), s.surface("concrete"), level(s, edge))
    top *= 0.8 + 0.2 * np.exp(-(((s.u - s.focus_u) / 0.8) ** 2))
    over(picture, np.exp(np.minimum(s.y - edge, 0) / 0.05) * 0.3, s.deep * 0.8)
    over(picture, s.edge(s.y - edge, 0.006), top)
    rim = np.exp(-(((s.y - edge - 0.012) / max(0.01, s.pixel)) ** 2))
    screen(picture, rim * 0.3, s.local(DUSK, 0.5))


SCENE = Scene(
    ("city skyline", "city skyline with bokeh", "downtown city", "skyscrapers at dusk", "rooftop city view"),
    paint,
    surface=True,
)
