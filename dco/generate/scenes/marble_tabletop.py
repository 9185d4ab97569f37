"""A veined marble top under the shadow of a window; the palette black makes it dark marble."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, over, soft


def paint(s: Stage) -> Array:
    edge = s.draw(0.3, 0.45)
    picture = s.ramp(
        s.light, s.mid * 0.8 + s.light * 0.2, np.clip(s.v / edge * 0.5 + 0.25 * s.u * s.sun + 0.2, 0, 1)
    )
    depth = np.clip((s.v - edge) / (1 - edge), 0, 1)
    over(picture, s.edge(s.y - s.at_v(edge)), _stone(s, depth))
    bars = _window_light(s)
    over(picture, (1 - bars) * (0.22 * (0.4 + s.drama + 0.6 * s.gold)), s.deep)
    picture *= 1 + 0.14 * bars * (1 - 0.7 * s.night)
    contact = ((s.x - s.focus) / 0.4) ** 2 + ((s.v - 0.68) / 0.07) ** 2
    over(picture, np.exp(-contact) * 0.16, s.deep)
    return picture


def _stone(s: Stage, depth: Array) -> Array:
    warp = s.noise(2, octaves=4) * 0.6
    coarse = np.abs(s.noise(2.2, 3, octaves=7) + warp * 0.8)
    fine = np.abs(s.noise(5, 4, octaves=6) + warp)
    cloud = np.clip(0.4 + 0.25 * s.noise(2, octaves=4), 0, 1)
    dark = float(s.light0.mean()) < 0.75  # only the palette black has a light tone this dark
    if dark:
        stone, vein = s.ramp(s.deep * 1.5, s.mid * 0.7, cloud), s.light0
    else:
        stone, vein = (
            s.ramp(s.light * 0.55 + 0.42 * (1 - s.dim), s.light * 0.85, cloud),
            s.mid0 * 0.7 + s.deep0 * 0.3,
        )
    over(stone, np.exp(coarse / -0.06) * 0.75, vein)
    over(stone, np.exp(fine / -0.05) * 0.35, vein)
    over(stone, np.exp(depth / -0.05) * 0.25, s.deep)
    return stone


def _window_light(s: Stage) -> Array:
    angle = s.draw(-0.9, -0.4) * s.sun
    across = s.x * np.float32(np.cos(angle)) + s.y * np.float32(np.sin(angle)) + np.float32(s.focus * 0.3)
    stripes = soft(np.sin(across * s.draw(5, 8) + s.draw(0, 6)) - 0.1, 0.25)
    return np.asarray(stripes * np.exp(-((across / (0.8 * max(s.half_w, s.half_h))) ** 2)), np.float32)


SCENE = Scene(("marble tabletop", "marble table", "marble surface"), paint)
