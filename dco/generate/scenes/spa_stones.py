"""A spa: stacked pebbles and a flower on a slab by still water, bamboo far out of focus."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.materials import edge_light, level, polish, surface
from dco.generate.paint.planes import lattice, texture

BAMBOO = np.array([0.47, 0.58, 0.3], np.float32)
PEBBLE = np.array([0.3, 0.3, 0.31], np.float32)
SHORE = "stone"


def paint(s: Stage) -> Array:
    far, near = s.at_v(s.draw(0.54, 0.6)), s.at_v(s.draw(0.745, 0.785))
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    picture = _garden(s, far, outer)
    _water(s, picture, far, near, outer)
    material = s.surface(SHORE)
    over(picture, np.exp(-np.maximum(near - s.y, 0) / 0.04) * 0.3, s.deep)
    over(picture, s.edge(s.y - near), surface(s, material, level(s, near, 0.85)))
    polish(s, picture, near, material)
    edge_light(s, picture, near, 0.35)
    stack = s.focus + outer * s.draw(0.4, 0.48), near + s.draw(0.07, 0.11)
    _stack(s, picture, *stack)
    loose = s.fork("loose")
    _pebble(loose, picture, stack[0] + outer * 0.36, stack[1] + 0.04, 0.16, 0.085, 0.3)
    _pebble(loose, picture, stack[0] - outer * 0.27, stack[1] + 0.06, 0.1, 0.055, 0.8)
    _flower(s, picture, stack[0] + outer * 0.06, stack[1] + 0.13, s.draw(0.1, 0.13))
    return picture


def _garden(s: Stage, far: float, outer: float) -> Array:
    """Blurred stalks on the product's side, haze and round highlights elsewhere."""
    bright = np.clip(0.55 + 0.35 * s.u * s.sun - 0.3 * (s.v - 0.2) + 0.14 * s.noise(1.2, octaves=2), 0, 1)
    haze = s.local(np.array([0.62, 0.72, 0.5], np.float32), 0.72)
    picture = mix(haze * 0.5 + s.mid * 0.4 + s.deep * 0.1, s.light * 0.8 + s.accent * 0.1 + 0.06, bright)
    stalk = s.local(BAMBOO, 0.45)
    for j, (along, wide, tone, joint) in enumerate(s.draws(9, 4).tolist()):
        near = j / 8
        x = s.focus + outer * (1.5 * along - 0.35) + outer * 0.15 * near
        half, blur = 0.035 + 0.05 * wide * (0.5 + near), 0.05 - 0.028 * near
        off = s.x - np.float32(x) - np.float32(0.05 * (tone - 0.5)) * s.y
        round_ = np.clip(off / half, -1, 1)
        body = stalk * (0.75 + 0.45 * tone)
        lit = 0.78 + 0.3 * round_ * s.sun + 0.12 * np.sqrt(np.maximum(1 - round_ * round_, 0))
        knot = np.mod(s.y / np.float32(0.5 + 0.3 * joint) + np.float32(joint * 3), 1) - np.float32(0.5)
        lit = lit - 0.22 * np.exp(-((knot / 0.035) ** 2)) + 0.1 * np.exp(-(((knot + 0.08) / 0.04) ** 2))
        over(picture, soft(half - np.abs(off), blur) * (0.3 + 0.45 * near), body[:, None, None] * lit)
    for u, v, size, amount in s.draws(12, 4).tolist():
        x, y, radius = (
            s.focus + outer * (2.2 * u - 0.7),
            s.at_v(0) + (far - s.at_v(0)) * v,
            0.04 + 0.07 * size,
        )
        w = s.window(x, y, radius * 1.6)
        gone = np.hypot(w.x - np.float32(x), w.y - np.float32(y))
        rim = 0.75 + 0.25 * np.exp(-(((gone - radius) / 0.02) ** 2))
        screen(
            picture[w.cut],
            soft(radius - gone, 0.018) * rim * (0.1 + 0.2 * amount),
            s.light * 0.6 + s.accent * 0.4,
        )
    return np.asarray(picture, np.float32)


def _water(s: Stage, picture: Array, far: float, near: float, outer: float) -> None:
    """Still water that mirrors the garden, with the rings of one drop."""
    plane = level(s, far, 0.8)
    x, z = s.focus - outer * s.draw(0.2, 0.5), s.draw(0.35, 0.65)
    first = int(np.clip(round((far + s.half_h) / s.pixel), 1, s.height - 1))
    row = int(np.clip(round((far + z * (near - far) + s.half_h) / s.pixel), 1, s.height - 1))
    depth = plane.z[:, :1]
    gone = np.hypot((s.x - np.float32(x)) * depth / 2, (depth - depth[row]) * np.float32(0.8))
    damp = np.exp(gone / -0.5) * soft(gone - 0.03, 0.03)
    ring = np.sin(gone * np.float32(26)) * damp
    calm = 0.5 * texture(s, plane, 1.2, 6, 2)
    lift = np.clip(0.022 * ring + 0.006 * calm, -0.04, 0.04)
    rows = np.clip(2 * first - np.arange(s.height)[:, None] + (lift / s.pixel * 2), 0, first - 1).astype(
        np.int32
    )
    columns = np.broadcast_to(np.arange(s.width), rows.shape)
    image = picture[:, rows, columns]
    down = np.clip((s.y - np.float32(far)) / np.float32(max(near - far, 0.05)), 0, 1)
    water = mix(image * 0.92, s.mid * 0.62 + s.deep * 0.28 + s.light * 0.1, 0.2 + 0.35 * down)
    screen(water, np.clip(ring, 0, 1) * 0.42, s.light)
    over(water, np.clip(-ring, 0, 1) * 0.3, s.deep)
    over(picture, s.edge(s.y - np.float32(far), 0.02), water)


def _stack(s: Stage, picture: Array, x: float, foot: float) -> None:
    """Three to five pebbles, each smaller than the one it lies on."""
    count, width = 3 + int(s.draw() * 2.99), s.draw(0.22, 0.26)
    for j, (shift, thick, tone, _) in enumerate(s.draws(5, 4).tolist()):
        if j >= count:
            continue
        half = width * 0.83**j
        high = half * (0.36 + 0.12 * thick)
        _pebble(s, picture, x + 0.16 * half * (shift - 0.5), foot - high, half, high, tone, cast=j == 0)
        foot -= 1.82 * high


def _pebble(
    s: Stage, picture: Array, x: float, y: float, half: float, high: float, tone: float, cast: bool = True
) -> None:
    """A smooth stone around (x, y), with the light of the sky on it and the one below in its shade."""
    key = s.key()
    w = s.window(x - s.sun * half * 0.4, y + high * 0.6, half * 2.2, high * 2.6)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    dx, dy = (w.x - np.float32(x)) / np.float32(half), (w.y - np.float32(y)) / np.float32(high)
    if cast:
        away = np.hypot(dx * 0.8 + 0.42 * s.sun, (dy - 0.92) * 1.5)
        over(part, soft(0.98 - away, 0.5) * 0.55, s.deep * 0.8)
    gone = (np.abs(dx) ** np.float32(2.3) + np.abs(dy) ** np.float32(2.3)) ** np.float32(1 / 2.3)
    dz = np.sqrt(np.maximum(1 - gone * gone, 0))
    natural = PEBBLE * (0.62 + 0.9 * tone * tone) + np.array([0.05, 0.03, 0.0], np.float32) * tone
    stone = s.local(natural, 0.22)
    fine = float(np.clip(half / s.pixel / 20 - 0.5, 0, 1))
    speck = lattice(key, dx * np.float32(22 * half / 0.2), dy * np.float32(14)) * fine
    facing = 0.42 * s.sun * dx - 0.66 * dy + 0.52 * dz
    lit = 0.4 + 0.85 * soft(facing - 0.25, 0.65) + 0.03 * speck + 0.1 * np.clip(dy - 0.3, 0, 1)
    body = stone[:, None, None] * lit
    sky = np.exp(-(((dx - 0.3 * s.sun) / 0.5) ** 2 + ((dy + 0.52) / 0.26) ** 2))
    over(body, sky * 0.34, s.light * 0.8 + 0.15 * (1 - s.dim))
    over(part, s.edge((1 - gone) * np.float32(high)), body)


def _flower(s: Stage, picture: Array, x: float, y: float, size: float) -> None:
    """A frangipani blossom: five turned petals, white running into yellow."""
    spin, start = 0.35 * s.sun, s.draw(0, 1.2)
    w = s.window(x, y, size * 1.7)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    dx, dy = w.x - np.float32(x), (w.y - np.float32(y)) / np.float32(0.62)
    over(
        part,
        soft(0.95 * size - np.hypot(dx + 0.2 * size * s.sun, dy - 0.35 * size), 0.4 * size) * 0.5,
        s.deep * 0.8,
    )
    white, yolk = (
        s.local(np.array([0.98, 0.96, 0.93], np.float32), 0.12),
        s.local(np.array([0.97, 0.78, 0.25]), 0.1),
    )
    for j in range(5):
        angle = start + j * 2 * np.pi / 5
        c, q = np.float32(np.cos(angle) / size), np.float32(np.sin(angle) / size)
        along, across = dx * c + dy * q, dy * c - dx * q
        across = across - spin * along * along
        shape = np.float32(0.36) * np.sqrt(np.clip(along, 0, 1)) * np.sqrt(np.clip(1.06 - along, 0, 1)) * 1.7
        inside = np.minimum(
            (shape - np.abs(across)) * np.float32(size), np.minimum(along, 1.03 - along) * np.float32(size)
        )
        side = np.clip(0.5 + 1.4 * across * s.sun, 0, 1)
        petal = mix(white * 0.74 + s.mid * 0.08, white * 1.02, 0.35 + 0.65 * side)
        over(petal, np.exp(-((along / 0.38) ** 2)) * 0.9, yolk)
        over(part, soft(inside + 0.02 * size, 0.06 * size) * 0.25, s.deep)
        over(part, s.edge(inside), petal)


SCENE = Scene(
    (
        "spa stones",
        "stacked pebbles by the water",
        "zen stones",
        "spa with bamboo",
        "wellness spa with pebbles",
    ),
    paint,
    surface=True,
)
