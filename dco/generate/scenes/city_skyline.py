"""Three rows of buildings over water, with windows that light up as the day ends, and lights out of focus."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, over, screen, uniform_at

LAMP = np.array([1.0, 0.84, 0.52], np.float32)
ROWS = 3
BOKEH = 14
WATER = 0.84  # fraction of the height where the quay ends


def paint(s: Stage) -> Array:
    dark = min(1.0, 0.25 + s.night + 0.55 * s.drama + 0.2 * s.gold)
    top = s.mid * (1 - 0.5 * dark) + s.deep * (0.42 * dark) + s.light * (0.45 * (1 - dark))
    low = s.light * (1 - 0.45 * dark) + s.accent * (0.22 * dark) + s.mid * 0.2 * dark
    sky = s.ramp(top, low, np.clip(s.v / 0.75, 0, 1) ** 1.4)
    over(sky, np.clip(s.noise(2, 8, octaves=5) - 0.3, 0, 1) * 0.25, s.light * 0.6 + s.accent * 0.4)
    over(sky, s.glow(s.focus * 0.5, s.at_v(0.74), 0.55) * (0.3 + 0.4 * s.gold), s.accent * 0.6 + 0.4)
    for row in range(ROWS):
        _row(s, sky, row, dark)
    _water(s, sky, dark)
    _bokeh(s, sky, dark)
    return sky


def _row(s: Stage, picture: Array, row: int, dark: float) -> None:
    """One row of buildings; each is a column of x found by counting widths outwards from the centre."""
    near = row / (ROWS - 1)
    size = (0.1, 0.14, 0.2)[row]
    key, reach = s.key(), 160
    widths = size * (0.55 + 0.9 * s.draws(reach))
    walls = np.cumsum(widths)
    walls -= walls[reach // 2]
    which = np.clip(np.searchsorted(walls, s.x[0], side="right"), 0, reach - 1)
    wall, width = walls[which - 1], widths[which]
    across = np.clip((s.x[0] - wall) / width, 0, 1)[None, :]
    rnd = [uniform_at(key + k, which)[None, :] for k in range(4)]

    middle = (wall + width / 2)[None, :]
    swell = 0.6 + 0.5 * np.exp(-(((middle - s.focus) / 0.55) ** 2))
    tall = (0.16 + 0.62 * rnd[0] ** 1.6) * swell * (1.15 - 0.22 * row) * s.half_h**0.35
    roof = s.at_v(0.76 + 0.04 * row) - tall
    step = (np.abs(across - 0.5) > 0.34) & (rnd[1] > 0.55)
    roof = roof + step * tall * 0.14
    mast = (np.abs(across - 0.5) * width < max(0.006, 0.5 * s.pixel)) & (rnd[2] > 0.75) & (row < 2)
    roof = roof - mast * tall * 0.3

    haze = 0.6 * (1 - near) * (1 - 0.4 * dark)
    wall_colour = (s.mid * (0.5 - 0.2 * near) + s.deep * 0.5) * (1 - 0.25 * dark) * (1 - haze) + s.light * (
        0.9 * haze
    )
    depth = np.clip((s.y - roof) / 1.2, 0, 1)
    body = s.ramp(wall_colour * (1.12 - 0.1 * dark), wall_colour * 0.72 + s.accent * 0.06, depth)
    side = (across > 0.5 + 0.22 * s.sun) if s.sun > 0 else (across < 0.28)
    body = body * (1 - 0.16 * side) * (0.9 + 0.2 * rnd[3])
    if row:
        _windows(s, body, key, which, across * width, near, dark)
    over(picture, s.edge(s.y - roof), body)


def _windows(
    s: Stage, body: Array, key: int, which: np.ndarray, inside: np.ndarray, near: float, dark: float
) -> None:
    pitch_x, pitch_y = 0.034 + 0.012 * near, 0.05 + 0.018 * near
    column, floor = inside / pitch_x, s.y / pitch_y
    lamp = uniform_at(
        key + 9, which[None, :] * 512 + column.astype(np.int64), np.floor(floor).astype(np.int64)
    )
    fx, fy = np.abs(column % 1 - 0.5) * pitch_x, np.abs(floor % 1 - 0.5) * pitch_y
    pane = s.edge(pitch_x * 0.28 - fx) * s.edge(pitch_y * 0.3 - fy)
    lit = (lamp < 0.12 + 0.3 * dark) * (0.35 + 0.65 * (lamp * 37 % 1))
    over(body, pane * 0.22, s.light * 0.5 * (1 - dark) + s.deep * 0.5)
    over(body, pane * lit * (0.25 + 0.7 * dark), s.accent * 0.35 + LAMP * 0.65)


def _water(s: Stage, picture: Array, dark: float) -> None:
    quay = s.at_v(WATER)
    first = int(np.searchsorted(s.y[:, 0], quay))
    below = s.y[first:]
    if not len(below):
        return
    # The city upside down, squeezed to half height and rippled, is what makes water look like water.
    sway = (s.noise(4, 40, octaves=4) * (0.008 + 0.05 * np.clip(s.y - quay, 0, 1)))[first:]
    source = np.clip(np.searchsorted(s.y[:, 0], (quay - (below[:, 0] - quay) * 1.6)), 0, max(first - 1, 0))
    columns = np.clip(np.arange(s.width) + (sway / s.pixel).astype(np.int64), 0, s.width - 1)
    mirror = picture[:, source[:, None], columns]
    over(mirror, 0.35 + 0.2 * dark, s.deep * 0.6 + s.mid * 0.4)
    gleam = np.clip(s.noise(5, 44, octaves=4)[first:], 0, 1)
    over(mirror, gleam * 0.22, s.accent * 0.5 + s.light * 0.5)
    over(picture[:, first:], s.edge(below - quay), mirror)
    over(picture, np.exp(-(((s.y - quay) / 0.02) ** 2)) * 0.45, s.deep * 0.6)


def _bokeh(s: Stage, picture: Array, dark: float) -> None:
    places = s.draws(BOKEH, 5)
    for px, py, pr, strength, kind in places.tolist():
        x = (s.focus_u * 0.7 + (2 * px - 1) * 0.8) * s.half_w
        y, radius = s.at_v(0.62 + 0.38 * py), 0.04 + 0.08 * pr
        w = s.window(x, y, radius * 1.5)
        gone = np.sqrt((w.x - x) ** 2 + (w.y - y) ** 2)
        ring = s.edge(radius - gone, 0.01) * (0.5 + 0.5 * np.clip(gone / radius, 0, 1) ** 3)
        tint = s.accent if kind < 0.5 else s.accent * 0.4 + LAMP * 0.6
        screen(picture[w.cut], ring * (0.15 + 0.45 * strength) * (0.25 + 0.6 * dark), tint)


SCENE = Scene(("city skyline", "city skyline with bokeh", "downtown city"), paint)
