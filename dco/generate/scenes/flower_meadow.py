"""A meadow out of focus under a bright sky, with sharp stems in flower at the product's outer side."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.flora import Pose, blossom, leaf, twig

GRASS = np.array([0.42, 0.54, 0.2], np.float32)
TREES = np.array([0.24, 0.36, 0.24], np.float32)
STEM = np.array([0.28, 0.42, 0.14], np.float32)
WHITE_PETAL = np.array([0.97, 0.96, 0.93], np.float32)
FAR_FLOWERS, STEMS, MOST = 80, 14, 260


def paint(s: Stage) -> Array:
    horizon = s.draw(0.44, 0.52)
    picture = _far(s, horizon)
    _field(s, picture, horizon)
    _flowers(s, picture, horizon)
    _near_grass(s, picture)
    _stems(s, picture)
    return picture


def _grass(s: Stage) -> Array:
    """The grass of the season: dry in autumn, white with rime in winter."""
    if s.season == "autumn":
        return np.array([0.62, 0.5, 0.24], np.float32)
    return GRASS * 0.35 + np.float32(0.5) if s.season == "winter" else GRASS


def _far(s: Stage, horizon: float) -> Array:
    high = s.mid * 0.5 + s.light * 0.3 + s.local(np.array([0.55, 0.75, 0.92], np.float32), 0.5) * 0.2
    picture = s.ramp(high, s.light, np.clip(s.v / horizon, 0, 1))
    over(picture, np.clip(s.noise(1.2, 3.5, octaves=4) * 0.35, 0, 0.6), s.light * 0.8 + 0.2 * (1 - s.dim))
    x = s.sun * s.half_w * 0.6
    screen(
        picture,
        s.glow(x, s.at_v(horizon - 0.24), 0.6) * 0.55,
        s.light * 0.5 + s.accent * 0.3 + np.float32(0.2),
    )
    for far, tall in ((0.6, 0.16), (0.3, 0.1)):
        crest = s.at_v(horizon) - tall * (1 + 0.5 * s.ridge(1.6, octaves=4))
        tone = s.local(TREES, 0.5) * (1 - far) + s.light * far * 0.9
        over(picture, soft(s.y - crest, 0.045) * 0.85, tone)
    return picture


def _field(s: Stage, picture: Array, horizon: float) -> None:
    depth = np.clip((s.v - horizon) / (1 - horizon), 0, 1)
    bands = s.noise(1, 7, octaves=3) * (1 - depth) + s.noise(2.2, 4, octaves=2) * depth
    lit = s.local(_grass(s), 0.32)
    field = mix(lit * 0.62, lit * 1.35 + s.light * 0.06, np.clip(0.55 + 0.2 * bands - 0.25 * depth, 0, 1))
    over(field, np.exp(depth / -0.12) * 0.45, s.light * 0.75 + s.mid * 0.25)
    over(picture, soft(s.v - horizon, 0.02), field)


def _flowers(s: Stage, picture: Array, horizon: float) -> None:
    """Discs of colour, larger and looser towards the viewer; few and faint where copy will stand."""
    count = min(MOST, round(FAR_FLOWERS * (s.half_w * s.half_h) ** 0.8))
    places = s.draws(MOST, 5)[:count]
    places = places[np.argsort(places[:, 1])]
    for u, z, size, tone, bright in places.tolist():
        u, depth = 2 * u - 1, 0.03 + 0.8 * z**1.6
        room = (
            float(soft(u * np.sign(s.focus_u) + 0.1, 0.35))
            if s.copy_side != "center"
            else 0.35 + 0.65 * abs(u)
        )
        radius = (0.008 + 0.062 * depth) * (0.6 + 0.7 * size)
        x, y = u * s.half_w, s.at_v(horizon + (1 - horizon) * depth)
        w = s.window(x, y, radius * 1.6)
        if not (w.x.size and w.y.size):
            continue
        gone = np.sqrt((w.x - x) ** 2 + ((w.y - y) * 1.12) ** 2) / radius
        petals = (
            s.accent * 0.75 + 0.15
            if tone < 0.45
            else (WHITE_PETAL if tone < 0.75 else s.mid * 0.7 + s.light * 0.3)
        )
        cover = soft(1 - gone, 0.22) * ((0.35 + 0.45 * bright) * (0.3 + 0.7 * room))
        over(picture[w.cut], cover, petals * (1 - 0.6 * s.dim))


def _near_grass(s: Stage, picture: Array) -> None:
    """The turf on which the product stands: short grass, in focus about the product's foot."""
    edge = s.at_v(0.83) + 0.02 * s.ridge(2, octaves=3)
    below = s.y - edge + np.abs(s.ridge(34, octaves=3, gain=0.9)) * 0.03
    depth = np.clip(below / (s.at_v(1) - s.at_v(0.83)), 0, 1)
    blades = s.noise(85, 11, octaves=2, gain=0.8) * 0.16 + s.noise(3, 5, octaves=3) * 0.16
    pool = np.exp(-(((s.x - s.focus) / 0.7) ** 2)) * 0.2
    lit = s.local(_grass(s), 0.28)
    turf = mix(lit * 0.4, lit * 1.3, np.clip(0.42 + blades + pool - 0.28 * depth, 0, 1))
    over(picture, s.edge(below, 0.03), turf)


def _stems(s: Stage, picture: Array) -> None:
    for j, (out, tall, lean, size, turn, tone) in enumerate(s.draws(STEMS, 6).tolist()):
        side = (1.0 if j % 2 else -1.0) if s.copy_side == "center" else float(np.sign(s.focus_u))
        near = j / (STEMS - 1)
        blur = 0.02 * (1 - near) ** 2 + 0.003 if near < 0.85 else 0.03
        edge = min(s.half_w, abs(s.focus) + 1.15)  # by the product in a very wide picture too
        x = side * (edge - 0.02 - 0.42 * out * (1.1 - 0.4 * near))
        foot, head = s.at_v(1.03), s.at_v(1) - (0.35 + 0.75 * tall) * (1.1 - 0.25 * near)
        top = x + (lean - 0.5) * 0.24 - side * 0.05
        t = np.linspace(0, 1, 6)[:, None]
        curve = np.concatenate([x + (top - x) * t**2, foot + (head - foot) * t], 1).astype(np.float32)
        green = s.local(STEM, 0.25) * (0.75 + 0.3 * near)
        twig(s, picture, curve, 0.012 + 0.004 * near, blur, green)
        for k in range(2):
            at = curve[1 + k * 2]
            turned = -np.pi / 2 + (0.7 if (k + j) % 2 else -0.7)
            long = 0.1 + 0.04 * size
            pose = Pose(
                float(at[0] + 0.75 * long * np.cos(turned)),
                float(at[1] + 0.75 * long * np.sin(turned)),
                long,
                turned,
                0.5,
                0.03 + blur * 6,
            )
            leaf(s, picture, pose, green * 1.35, green * 0.8)
        petals = (
            (s.accent * 0.85 + 0.1, s.accent * 0.6 + s.mid0 * 0.25),
            (WHITE_PETAL, s.light0 * 0.5 + s.accent * 0.4),
        )
        tip, base = petals[0 if tone < 0.6 else 1]
        dim = 1 - 0.6 * s.dim
        radius = 0.065 + 0.04 * size
        pose = Pose(top, head, radius, 6.3 * turn, 0.7 + 0.3 * tone, blur / radius + 0.02)
        blossom(s, picture, pose, np.minimum(tip, 1) * dim, np.minimum(base, 1) * dim)


SCENE = Scene(("flower meadow", "meadow", "wildflower meadow", "field of flowers"), paint)
