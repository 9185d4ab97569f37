"""A studio sweep with one or two round podiums, sometimes before a coloured disc."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, ellipse, mix, over, soft


def paint(s: Stage) -> Array:
    floor = s.draw(0.58, 0.72)
    wall = 0.15 + 0.55 * ((s.u - s.sun * 0.5) ** 2 * 0.5 + (s.v - 0.2) ** 2) + 0.08 * s.noise(1, octaves=1)
    picture = s.ramp(s.light, s.mid, np.clip(wall, 0, 1))
    near = mix(s.mid * 0.55 + s.light * 0.45, s.mid * 0.9 + s.deep * 0.1, np.clip((s.v - floor) * 1.6, 0, 1))
    over(picture, soft(s.v - floor - 0.05 * s.u**2, s.draw(0.02, 0.12)), near)

    base = s.at_v(s.draw(0.84, 0.92))
    _disc(s, picture, base)
    side_x = s.focus + s.draw(0.3, 0.5) * s.sun
    side = (s.draw(0.16, 0.24), s.draw(0.12, 0.3), base - s.draw(0.0, 0.12))
    _podium(s, picture, side_x, *side)
    _podium(s, picture, s.focus, s.draw(0.28, 0.4), s.draw(0.24, 0.5), base)
    return picture


def _disc(s: Stage, picture: Array, base: float) -> None:
    y, radius, shown = base - s.draw(0.85, 1.05), s.draw(0.35, 0.55), s.draw() < 0.6
    if not shown:
        return
    gap = np.maximum(s.distance(s.focus - s.sun * 0.16, y + 0.05) - radius, 0)
    over(picture, np.exp(gap / -0.12) * 0.25, s.deep)
    shade = np.clip(0.5 + 0.5 * s.sun * (s.x - s.focus) / radius, 0, 1)
    over(picture, s.disc(s.focus, y, radius), mix(s.accent * 0.6 + s.light * 0.4, s.mid, shade))


def _podium(s: Stage, picture: Array, x: float, rx: float, tall: float, base: float) -> None:
    """A round block of radius rx standing with the centre of its foot at (x, base); y grows downwards."""
    ry, top = rx * 0.3, base - tall
    w = s.window(x, (top + base) / 2, rx * 2.6, tall / 2 + rx * 2)
    part = picture[w.cut]
    shadow = np.sqrt(
        ((w.x - x + s.sun * rx * 0.5) / (rx * 1.25)) ** 2 + ((w.y - base - 0.02) / (ry * 1.6)) ** 2
    )
    over(part, np.exp(np.maximum(shadow - 0.75, 0) * -3.2) * 0.6, s.deep)
    column = s.edge(rx - np.abs(w.x - x)) * s.edge(w.y - top) * s.edge(base - w.y)
    foot = s.edge(ellipse(w, x, base, rx, ry)) * (w.y > base - s.pixel)
    body = np.maximum(column, foot)
    t = np.clip((w.x - x) / rx, -1, 1)
    lit = np.clip(0.5 + 0.5 * (t * s.sun * 0.8 + np.sqrt(np.maximum(1 - t * t, 0)) * 0.5), 0, 1)
    over(part, body, mix(s.mid * 0.6 + s.deep * 0.4, s.light * 0.75 + s.mid * 0.25, lit))
    lid = ellipse(w, x, top, rx, ry)
    over(
        part, s.edge(lid), mix(s.light, s.light * 0.8 + s.accent * 0.2, np.clip(0.5 - 0.5 * t * s.sun, 0, 1))
    )
    rim = np.exp(-((lid / max(0.012, s.pixel)) ** 2)) * (0.5 + 0.5 * t * s.sun) * (w.y > top) * 0.45
    over(part, rim, s.light * 0.5 + 0.5)


SCENE = Scene(("studio podium", "product podium in a studio", "studio sweep with a podium"), paint)
