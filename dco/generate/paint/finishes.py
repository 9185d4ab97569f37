"""What the surface materials look like: grain, veins, chips and threads on a plane.

Each finish is a function of a stage and a plane, float32[3, height, width], without the light that `materials.surface`
lays over all of them. A unit is about 15 cm of a table.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dco.generate.paint.canvas import Array, Stage, mix, over, soft
from dco.generate.paint.planes import Plane, fade, lattice, line, moved, slope, texture, turned

_BOARDS = 64


def wood(s: Stage, p: Plane) -> Array:
    """Boards with cathedral grain: rings of a trunk of wandering depth, cut along; fibres, knots and gaps."""
    tone = s.local(np.array([0.62, 0.43, 0.27], np.float32) * np.float32(s.draw(0.85, 1.12)), 0.13)
    wide, into_depth = s.draw(0.55, 0.8), s.draw() < 0.45
    board, rings = s.draws(_BOARDS, 7), (s.draws(2, 64) - np.float32(0.5)) * np.float32(3.4)
    keys = [s.key() for _ in range(3)]
    along, across = (p.z, p.x) if into_depth else (p.x, p.z)
    size, length = (p.across, p.footprint) if into_depth else (p.footprint, p.across)

    place = across * np.float32(1 / wide) + np.float32(s.draw(0, 8))
    number = np.floor(place)
    inside = (place - number - np.float32(0.5)) * np.float32(wide)
    pick = number.astype(np.int32) & (_BOARDS - 1)
    start, middle, depth, tint, knot_at, knot_across, knot = (board[:, k].take(pick) for k in range(7))
    a = along + start * 40

    off_x = np.mod(a, np.float32(4.5)) - (1 + 2.5 * knot_at)
    off_z = inside - (knot_across - np.float32(0.5)) * np.float32(wide * 0.6)
    near = (off_x / 0.15) ** 2 + (off_z / 0.08) ** 2
    eye = np.exp(-np.minimum(near, 30) * np.float32(0.22)) * (knot < 0.42)
    trunk = 0.1 + 0.3 * depth + 0.17 * lattice(keys[0], a * np.float32(0.3), place)
    radius = np.hypot(inside - (middle - np.float32(0.5)) * np.float32(wide), trunk)
    radius = radius + 0.012 * lattice(keys[1], a * np.float32(1.1), across * np.float32(5)) + 0.16 * eye

    grain = line(rings[0], radius * np.float32(26)) * _fits(size, 24)
    grain = grain + 0.55 * line(rings[1], radius * np.float32(63)) * _fits(size, 50)
    fibre = lattice(keys[2], a * np.float32(1.4), across * np.float32(42)) * _fits(size, 42)
    dark = np.clip(0.34 + 0.2 * grain + 0.13 * fibre, 0, 1)
    bright = np.float32(0.84) + np.float32(0.36) * tint
    wood_colour = mix(tone * 1.16, tone * np.array([0.62, 0.54, 0.47], np.float32), dark) * bright
    over(wood_colour, eye**3 * np.float32(0.75) * _fits(length, 4), tone * 0.28)

    gap = np.float32(wide / 2) - np.abs(inside)
    shown = np.minimum(0.018 / size, 1)
    over(
        wood_colour, soft((np.float32(0.009) - gap) / np.maximum(size, 0.006), 1) * shown * 0.85, tone * 0.16
    )
    over(
        wood_colour,
        np.exp(-((gap - 0.02) ** 2) / (0.012 + size) ** 2) * (inside < 0) * 0.16 * shown,
        tone * 1.7,
    )
    return np.asarray(wood_colour, np.float32)


def marble(s: Stage, p: Plane) -> Array:
    """White stone with clouds and a few veins that swell, thin out and end; black where the palette is black."""
    dark = float(s.light0.mean()) < 0.75  # only the palette black has a light tone this dark
    base = s.local(np.array([0.1, 0.1, 0.11] if dark else [0.94, 0.93, 0.915], np.float32), 0.25)
    vein = s.local(np.array([0.8, 0.78, 0.73] if dark else [0.47, 0.47, 0.48], np.float32), 0.3)
    p = turned(p, s.draw(0.35, 0.9) * s.sun)
    p = moved(p, np.float32(s.draw(-30, 30)), np.float32(s.draw(-30, 30)))
    bend, cloud = texture(s, p, 1.0, 0.8, 4, 0.55), texture(s, p, 0.9, 0.5, 3, 0.55)
    stone = mix(base, base * 0.55 + vein * 0.45, np.clip(0.14 + 0.2 * cloud, 0, 0.7))
    core = p.footprint * np.float32(0.6)
    for wide, cells, strength in ((1.0, 0.5, 0.8), (0.45, 0.95, 0.6), (0.25, 1.9, 0.4)):
        # Veins are the lines where a field that is long one way passes 0: they run along, and seldom close.
        swell = np.clip(0.42 + 0.5 * texture(s, p, cells * 1.3, cells * 0.6, 1), 0, 1.2)
        veined = moved(p, 0.1 * bend, (0.2 + 0.06 / cells) * bend)
        apart = np.abs(texture(s, veined, cells * 0.42, cells * 1.5, 3, 0.4))
        over(
            stone, np.exp(apart * np.float32(-4.5)) * swell * (0.36 * wide), vein
        )  # the smoke a vein lies in
        width = (0.016 + 0.07 * swell * swell) * np.float32(0.3 + 0.7 * wide) + core * np.float32(cells)
        line_shown = 1 / (1 + core * np.float32(9 * cells))
        over(stone, np.exp(-apart / width) * swell * line_shown * strength, vein if dark else vein * 0.75)
    return np.asarray(stone, np.float32)


def stone(s: Stage, p: Plane) -> Array:
    """Cleft slate: broad layers that break off in steps, lit from the side, with a little rust."""
    tone = s.local(np.array([0.31, 0.32, 0.335], np.float32), 0.28)
    p = moved(p, np.float32(s.draw(-30, 30)), np.float32(s.draw(-30, 30)))
    height = texture(s, p, 0.5, 0.7, 5, 0.4)
    lit, rough = slope(s, p, 1.6, 2.2, 6, 0.66), texture(s, p, 9, 12, 3, 0.8)
    layer = height * np.float32(1.5)
    step = layer - np.floor(layer)
    width = 0.03 + p.footprint * np.float32(1.5)
    shown = 1 / (1 + p.footprint * np.float32(16))
    chipped = shown * np.clip(0.55 + 0.5 * texture(s, p, 1.7, 2.1, 2), 0, 1)
    cleft = np.exp(-step / width) * chipped + 0.22 * np.exp(-step / 0.16)
    lip = np.exp((step - 1) / width) * chipped
    shelf = np.mod(np.floor(layer), 3) * np.float32(0.08)
    value = 0.88 + shelf + 0.15 * lit + 0.06 * rough - 0.34 * cleft + 0.3 * lip
    rock = tone[:, None, None] * np.clip(value, 0.25, 2)
    rust = np.clip(texture(s, p, 0.5, 0.6, 3) - 0.45, 0, 1) * 0.3
    over(rock, rust, s.local(np.array([0.46, 0.36, 0.27], np.float32), 0.15))
    return np.asarray(rock, np.float32)


def concrete(s: Stage, p: Plane) -> Array:
    """Cast concrete: clouds from the formwork, fine sand, and a few pores."""
    tone = s.local(np.array([0.62, 0.615, 0.6], np.float32), 0.3)
    cloud, blot = texture(s, p, 0.5, 0.5, 4, 0.58), texture(s, p, 2.4, 1.8, 3, 0.6)
    sand = texture(s, p, 38, 30, 2, 0.8)
    value = 1 + 0.11 * cloud + 0.045 * blot + 0.045 * sand
    slab = tone[:, None, None] * np.clip(value, 0.5, 1.5)
    for cells, share, size in ((1.9, 0.3, 0.055), (4.6, 0.28, 0.085), (11.0, 0.22, 0.14)):
        distance, pick = _pores(s, p, cells, share, size)
        here = fade(p, cells * 3, cells * 3) * pick
        blur = np.maximum(0.02, p.footprint * np.float32(cells * 0.6))
        # In low light pores run together to specks of soot, so there they are shallower.
        over(slab, soft(-distance, blur) * here * (0.6 - 0.5 * s.dim), tone * 0.42)
    return np.asarray(slab, np.float32)


def terrazzo(s: Stage, p: Plane) -> Array:
    """Chips of stone in pale cement, in black in the palette black: one convex chip in a cell, in three sizes."""
    dark = float(s.light0.mean()) < 0.75  # only the palette black has a light tone this dark
    base = s.local(np.array([0.13, 0.13, 0.14] if dark else [0.88, 0.855, 0.82], np.float32), 0.3)
    ground = mix(base * 0.97, base * 1.03, np.clip(0.5 + 0.3 * texture(s, p, 14, 12, 2), 0, 1))
    natural = [
        [0.33, 0.31, 0.3],
        [0.72, 0.5, 0.38],
        [0.6, 0.59, 0.57],
        [0.47, 0.37, 0.31],
        [0.97, 0.95, 0.92],
    ]
    inks = [s.local(np.array(c, np.float32), 0.3) for c in natural]
    inks += [s.mid * 0.8 + s.deep * 0.2, s.accent * 0.75 * (1 - 0.5 * s.dim) + s.mid * 0.25]
    # Dark chips on a ground that is dim already look like crumbs of coal: their contrast goes with the light.
    least = base * (0.1 + 1.1 * s.dim)
    shades = np.stack([np.maximum(ink, least) for ink in inks]).T.astype(np.float32)
    for angle, cells, share in ((0.4, 11.0, 0.5), (1.2, 5.6, 0.62), (-0.35, 3.1, 0.72)):
        _chips(s, ground, turned(p, angle), cells, share, shades)
    return np.asarray(ground, np.float32)


def linen(s: Stage, p: Plane) -> Array:
    """Plain weave with slubs, on a cloth with a few soft creases."""
    tone = s.local(np.array([0.84, 0.785, 0.7], np.float32), 0.4)
    lie = turned(p, s.draw(0.2, 0.9) * s.sun)
    sway, crease = texture(s, lie, 0.5, 0.4, 2), texture(s, lie, 0.9, 0.16, 2, 0.3)
    reach = np.clip(0.65 + 0.5 * texture(s, lie, 0.7, 0.4, 1), 0, 1)
    place = crease * np.float32(3.4)
    fold = place * np.exp(-place * place) * reach
    count = np.float32(52)
    warp, weft = np.abs(np.sin(p.x * (np.pi * count))), np.abs(np.sin(p.z * (np.pi * count)))
    above = np.mod(np.floor(p.x * count) + np.floor(p.z * count), 2)
    thread = above * warp * (0.75 + 0.25 * weft) + (1 - above) * weft * (0.75 + 0.25 * warp)
    p = replace(p, fine=None)  # threads blur alike both ways, or the far ones would run to a point
    thick = texture(s, p, 52, 3, 1) + texture(s, p, 3, 52, 1) + 0.7 * texture(s, p, 18, 14, 1)
    bars = texture(s, p, 11, 1.2, 1) + texture(s, p, 1.2, 11, 1)
    woven = fade(p, 60, 60) * (0.34 * (thread - 0.56)) + 0.035 * thick + 0.03 * bars
    value = 0.98 + 0.06 * sway - 0.3 * fold * np.float32(s.sun) + woven
    return np.asarray(tone[:, None, None] * np.clip(value, 0.35, 1.5), np.float32)


def plaster(s: Stage, p: Plane) -> Array:
    """Painted plaster in the palette's own light tone, with the marks of the trowel."""
    tone = s.light * 0.72 + s.mid * 0.28
    trowel, lit = texture(s, p, 0.5, 0.4, 3), slope(s, p, 1.6, 1.2, 3, 0.5)
    return np.asarray(tone[:, None, None] * (1 + 0.022 * trowel + 0.012 * lit), np.float32)


def metal(s: Stage, p: Plane) -> Array:
    """Steel brushed across: fine lines along x, and highlights drawn out against them, from the sun's side."""
    tone = s.local(np.array([0.6, 0.62, 0.645], np.float32), 0.3)
    lines = texture(s, p, 0.5, 22, 5, 0.95)
    broad = texture(s, p, 0.25, 7, 2, 0.7)
    places, sway = s.draws(3), s.draw(-0.15, 0.15)
    bearing = s.u + np.float32(sway) * (s.v - 1) - np.float32(0.42 * s.sun)
    glance = 0.75 * np.exp(-((bearing / 0.26) ** 2))
    glance = glance + 0.35 * np.exp(-(((bearing + s.sun * (0.75 + 0.3 * places[0])) / 0.13) ** 2))
    dark = np.exp(-(((bearing + s.sun * (0.42 + 0.1 * places[1])) / 0.17) ** 2))
    ragged = 1 + 0.3 * lines + 0.12 * broad
    value = 0.9 + 0.085 * lines + 0.04 * broad + 0.6 * glance * ragged - 0.3 * dark
    sheet = tone[:, None, None] * np.clip(value, 0.2, 1.6)
    over(sheet, np.clip(glance * ragged - 0.35, 0, 1) * 0.65, s.light * 0.5 + 0.5 * (1 - s.dim))
    return np.asarray(sheet, np.float32)


def _fits(size: Array, cells: float) -> Array:
    """The `fade` of a detail in one direction."""
    return np.asarray(np.clip(1 / (size * np.float32(cells) + np.float32(1e-6)) - 1, 0, 1), np.float32)


def _cells(s: Stage, p: Plane, cells: float, count: int) -> tuple[Array, Array, list[Array]]:
    """Place within a cell, each from -0.5 to 0.5, and `count` uniform numbers of the cell."""
    table = s.draws(count, 64 * 64)
    at = _cell_index(p, cells)
    x, z = p.x * np.float32(cells), p.z * np.float32(cells)
    half = np.float32(0.5)
    return x - np.floor(x) - half, z - np.floor(z) - half, [row.take(at) for row in table]


def _cell_index(p: Plane, cells: float) -> Array:
    """Which of the 64 x 64 cells that repeat over the plane each pixel lies in."""
    i, j = (np.floor(a * np.float32(cells)).astype(np.int32) & 63 for a in (p.x, p.z))
    return (j << 6) + i


def _pores(s: Stage, p: Plane, cells: float, share: float, size: float) -> tuple[Array, Array]:
    """Signed distance to a round hole in each cell, in cells, and whether the cell has one."""
    x, z, (right, down, large, kept) = _cells(s, turned(p, s.draw(0, 3)), cells, 4)
    gone = np.hypot(x - (right - 0.5) * 0.6, z - (down - 0.5) * 0.6)
    return np.asarray(gone - size * (0.25 + large * large), np.float32), np.asarray(kept < share, np.float32)


def _chips(s: Stage, ground: Array, p: Plane, cells: float, share: float, shades: Array) -> None:
    """One layer of chips over the ground: five straight cuts around a jittered centre, some cells left empty."""
    cut = s.draws(10, 64 * 64)
    x, z, (right, down, large, turn, ink, kept) = _cells(s, p, cells, 6)
    x, z = x - (right - np.float32(0.5)) * np.float32(0.35), z - (down - np.float32(0.5)) * np.float32(0.35)
    at = _cell_index(p, cells)
    outside = np.full(x.shape, -1, np.float32)
    for k in range(5):
        angle = np.float32(k * 1.2566) + np.float32(0.7) * cut[k]
        reach = 1 / (0.7 + 0.55 * cut[k + 5])
        facing = x * (np.cos(angle) * reach).take(at) + z * (np.sin(angle) * reach).take(at)
        np.maximum(outside, facing, out=outside)
    size = 0.13 + 0.2 * large
    blur = np.maximum(p.footprint * np.float32(cells * 0.6), 0.02)
    cover = soft(size - outside, blur) * (kept < share) * fade(p, cells * 1.2, cells * 1.2)
    chosen = (ink * np.float32(shades.shape[1])).astype(np.int32)
    over(ground, cover, shades.take(chosen, 1) * (0.94 + 0.12 * turn))
