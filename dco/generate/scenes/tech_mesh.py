"""A wave of points and threads that rolls through the depth of field, behind panes of frosted glass."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, ellipse, mix, over, screen, uniform_at
from dco.generate.paint.lens import blur, bokeh

PITCH = 0.15  # of the grid, in units at the distance where one unit of the wave is one of the picture
NEAR, ROWS = 0.62, 30
SAMPLES = 8
PANES, DISCS = 3, 9
LEVELS = (0.0055, 0.011, 0.024)


def paint(s: Stage) -> Array:
    dark = min(1.0, 0.05 + 0.85 * s.drama + s.night)
    picture = _room(s, dark)
    ink = s.accent * (0.75 * dark) + (s.mid0 * 0.6 + s.deep0 * 0.4) * (1 - dark) + s.light0 * (0.25 * dark)
    layers = _mesh(s)
    for level, layer in enumerate(layers):
        shine = np.minimum(layer, 1.4)
        tint = ink * (1 - 0.16 * level) + s.accent * (0.16 * level)
        if dark > 0.5:
            screen(picture, np.minimum(shine, 1), tint)
        else:
            over(picture, np.minimum(shine * 0.8, 0.95), tint)
    _discs(s, picture, tint=s.accent, dark=dark)
    _panes(s, picture, dark)
    _platform(s, picture, dark)
    return picture


def _room(s: Stage, dark: float) -> Array:
    day = s.ramp(s.light * 0.94 + 0.05, s.light * 0.62 + s.mid * 0.38, np.clip(0.15 + 0.75 * s.v, 0, 1))
    night = s.ramp(s.deep0 * 0.5, s.deep0 * 0.72 + s.mid0 * 0.2, np.clip(1.1 - s.v * 1.1, 0, 1))
    room = day * (1 - dark) + night * dark
    gone = ((s.x - s.focus) / 0.85) ** 2 + ((s.y - s.at_v(0.52)) / 0.6) ** 2
    screen(room, np.exp(-gone) * (0.3 + 0.06 * dark), s.accent * 0.5 * dark + s.light0 * (1 - 0.6 * dark))
    return room


def _mesh(s: Stage) -> list[Array]:
    """Light of the wave's points and threads per level of focus, float32[height, width] each.

    The points are splatted and blurred together, level by level: a thousand of them cost as much as one.
    """
    focal, horizon = 1.35, s.at_v(s.draw(0.4, 0.5))
    waves = s.draws(4, 4)
    key = s.key()
    z = NEAR + 0.11 * np.arange(ROWS, dtype=np.float32) ** 1.12
    reach = int(np.ceil((s.half_w + abs(s.focus)) * float(z[-1]) / PITCH)) + 2
    columns = np.arange(-reach, reach + 1)
    gx, gz = np.meshgrid(columns.astype(np.float32) * np.float32(PITCH), z)
    height = np.zeros_like(gx)
    for fx, fz, phase, size in waves.tolist():
        height += (0.1 + 0.13 * size) * np.sin(gx * (0.7 + 1.5 * fx) + gz * (0.8 + 1.4 * fz) + 6.28 * phase)
    # The wave rises behind the product and lies flat under the copy.
    px = gx / gz + np.float32(s.focus)
    lift = np.exp(-(((px - s.focus) / 0.9) ** 2))
    rise = np.float32(s.half_h**0.8)
    py = np.float32(horizon) + rise * (np.float32(0.62) - height * (0.35 + 0.65 * lift)) / gz
    twinkle = uniform_at(key, np.arange(ROWS)[:, None], columns)
    blurred = np.abs(1 / gz - 1 / focal) * 2.4
    fade = (
        np.clip(1.25 - gz / z[-1], 0.1, 1) * (0.3 + 0.7 * lift)
        if s.copy_side != "center"
        else lift * 0.7 + 0.3
    )
    # Far rows crowd together on the picture; each gives less, or they would close into a band.
    fade = fade * np.minimum(1, 1.5 / gz) ** 1.6
    layers = []
    for level, sigma in enumerate(LEVELS):
        share = np.clip(1 - np.abs(np.clip(blurred, 0, 2) - level), 0, 1) * fade
        plane = _splat(s, px, py, share * (0.55 + 1.3 * twinkle**3))
        for dy, dx in ((0, 1), (1, 0)):
            a, b = (slice(0, ROWS - dy), slice(0, len(columns) - dx)), (slice(dy, None), slice(dx, None))
            for k in range(SAMPLES):
                t = np.float32((k + 0.5) / SAMPLES)
                mid_x, mid_y = px[a] * (1 - t) + px[b] * t, py[a] * (1 - t) + py[b] * t
                plane += _splat(s, mid_x, mid_y, share[a] * np.float32(0.11))
        # A point of unit light peaks at one whatever the size of the picture, and dims as it blurs.
        gain = 8.0 * (sigma / s.pixel) ** 2 * (LEVELS[0] / sigma) ** 1.1
        layers.append(blur(s, plane, sigma) * np.float32(gain) if sigma > 0.5 * s.pixel else plane)
    return layers


def _splat(s: Stage, x: Array, y: Array, light: Array) -> Array:
    """Add points of light to the four pixels around each, float32[height, width]."""
    i = (y + np.float32(s.half_h)) / np.float32(s.pixel) - np.float32(0.5)
    j = (x + np.float32(s.half_w)) / np.float32(s.pixel) - np.float32(0.5)
    inside = (i > -1) & (i < s.height) & (j > -1) & (j < s.width)
    i, j, light = i[inside], j[inside], light[inside]
    i0, j0 = np.floor(i).astype(np.int64), np.floor(j).astype(np.int64)
    fi, fj = i - i0, j - j0
    wide = s.width + 2
    at = (i0 + 1) * wide + j0 + 1
    places = np.concatenate([at, at + 1, at + wide, at + wide + 1])
    shares = np.concatenate([(1 - fi) * (1 - fj), (1 - fi) * fj, fi * (1 - fj), fi * fj]) * np.tile(light, 4)
    total = np.bincount(places, shares, (s.height + 2) * wide).reshape(s.height + 2, wide)
    return total[1:-1, 1:-1].astype(np.float32)


def _discs(s: Stage, picture: Array, tint: Array, dark: float) -> None:
    """The nearest points, far out of focus."""
    for px, py, size, shine in s.draws(DISCS, 4).tolist():
        place = (s.focus + (2 * px - 1) * 0.9 * s.half_w, s.at_v(0.62 + 0.36 * py))
        calm = 0.35 if s.copy_side != "center" and place[0] * s.focus < 0 else 1.0
        bokeh(
            s,
            picture,
            place,
            0.03 + 0.06 * size,
            (0.08 + 0.22 * shine) * calm,
            tint * 0.7 + s.light0 * 0.3 * dark,
        )


def _panes(s: Stage, picture: Array, dark: float) -> None:
    """Upright rounded panes beside and behind the product: what is behind them blurs, their rims catch the light."""
    hazy = np.stack([blur(s, plane, 0.07) for plane in picture])
    side = s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))
    for j, (out, up, wide, tall) in enumerate(s.draws(PANES, 4).tolist()):
        x = s.focus + side * (-0.3 + 0.34 * j + 0.16 * out) * min(1.0, 0.55 + 0.45 * s.half_w)
        half_x, half_y = 0.15 + 0.12 * wide, 0.3 + 0.26 * tall
        y = s.at_v(0.44) + (up - 0.5) * 0.36
        w = s.window(x, y, half_x + 0.16, half_y + 0.22)
        if not (w.x.size and w.y.size):
            continue
        part = picture[w.cut]
        lean = 0.1 * side * (w.x - x) / half_x  # seen at an angle: its upper and lower edges converge
        dx, dy = np.abs(w.x - x) - half_x + 0.06, np.abs(w.y - y - lean * (w.y - y)) - half_y + 0.06
        inside = 0.06 - np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) - np.minimum(np.maximum(dx, dy), 0)
        shade = np.exp(-np.maximum(-inside, 0) / 0.05) * (inside < 0) * 0.16
        over(part, shade * (1 - 0.4 * dark), s.deep0)
        pane = s.edge(inside)
        slope = np.clip(0.5 - 0.45 * s.sun * (w.x - x) / half_x - 0.4 * (w.y - y) / half_y, 0, 1)
        frost = mix(
            hazy[w.cut], s.light0 * (1 - 0.55 * dark) + 0.1 * (1 - dark), 0.1 + (0.3 - 0.14 * dark) * slope
        )
        over(part, pane * 0.9, frost)
        rim = np.exp(-(((inside - 0.006) / max(0.007, s.pixel * 0.8)) ** 2))
        screen(part, rim * (0.2 + 0.6 * slope), s.light0 * 0.6 + 0.4)


def _platform(s: Stage, picture: Array, dark: float) -> None:
    """A low disc of glass with a lit edge for the product to stand on."""
    x, y, rx, ry = s.focus, s.at_v(0.89), 0.44, 0.1
    w = s.window(x, y, rx * 2, ry * 5)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    glow = np.exp(-((np.maximum(-ellipse(w, x, y + 0.02, rx, ry), 0) / 0.11) ** 2))
    if dark > 0.5:
        screen(part, glow * 0.3, s.accent)
    else:
        over(part, glow * 0.32, s.deep * 0.5 + s.mid * 0.5)
    body = s.mid0 * (0.62 - 0.4 * dark) + s.deep0 * (0.2 + 0.5 * dark) + s.light0 * (0.2 * (1 - dark))
    low, top = ellipse(w, x, y + 0.035, rx, ry), ellipse(w, x, y, rx, ry)
    wall = np.maximum(s.edge(low), s.edge(rx - np.abs(w.x - x)) * s.edge(w.y - y) * s.edge(y + 0.035 - w.y))
    over(part, wall, body * 0.8)
    across = np.clip(0.5 - 0.5 * s.sun * (w.x - x) / rx, 0, 1)
    over(part, s.edge(top), mix(body * 1.05, body * 0.7 + s.light0 * 0.3, across * np.ones_like(w.y)))
    rim = np.exp(-((top / max(0.009, s.pixel)) ** 2)) * (0.35 + 0.65 * across)
    screen(part, rim * 0.9, s.accent * 0.55 + s.light0 * 0.4)


SCENE = Scene(("tech mesh", "digital particle wave", "technology mesh", "data wave with glass panels"), paint)
