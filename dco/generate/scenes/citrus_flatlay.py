"""Cut citrus and mint on a plain top, seen from above in hard sun, with room for the copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, soft
from dco.generate.paint.materials import flat, surface
from dco.generate.paint.planes import lattice

MINT = np.array([0.25, 0.48, 0.2], np.float32)
PITH = np.array([0.97, 0.93, 0.82], np.float32)
# Skin and flesh of orange, lemon, lime and pink grapefruit.
FRUITS = tuple(
    (np.array(skin, np.float32), np.array(flesh, np.float32))
    for skin, flesh in (
        ((0.95, 0.53, 0.1), (0.98, 0.62, 0.14)),
        ((0.96, 0.8, 0.18), (0.97, 0.86, 0.38)),
        ((0.42, 0.62, 0.16), (0.72, 0.82, 0.36)),
        ((0.94, 0.62, 0.3), (0.93, 0.4, 0.33)),
    )
)
SQUASH = 0.88


class Piece(NamedTuple):
    """A piece of fruit: its place and radius in units, its turn, and which fruit it is."""

    x: float
    y: float
    radius: float
    turn: float
    fruit: int


Cut = tuple[Callable[[Stage, Array, Piece], None], Piece]
Leaf = tuple[float, float, float, float]


def paint(s: Stage) -> Array:
    picture = surface(s, s.surface("plaster"), flat(s))
    lamp = np.hypot(s.u - 0.6 * s.sun, (s.v - 0.1) * 1.4)
    over(picture, np.clip(0.1 + 0.3 * lamp, 0, 0.6) * (0.75 if s.material == "none" else 0.25), s.mid)
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    first = int(s.draw() * 4)
    cuts, leaves = _places(s, outer, first)
    for x, y, length, angle in leaves[::2]:
        _leaf(s, picture, x, y, length, angle)
    for kind, piece in cuts:
        kind(s, picture, piece)
    for x, y, length, angle in leaves[1::2]:
        _leaf(s, picture, x, y, length, angle)
    return picture


def _places(s: Stage, outer: float, first: int) -> tuple[list[Cut], list[Leaf]]:
    """What lies where: around the product, on its outer side and above it, never before it."""
    spots = [
        (0.5, -0.5),
        (0.5, 0.32),
        (0.04, -0.9),
        (0.62, -0.1),
        (0.36, 0.02),
        (0.62, 0.88),
        (0.4, -1.0),
        (0.76, 0.5),
    ]
    if s.copy_side == "center":
        spots = [
            (0.68, -0.6),
            (-0.78, 0.42),
            (-0.62, -0.78),
            (0.8, 0.4),
            (0.05, -1.0),
            (-0.95, -0.15),
            (0.5, -0.95),
            (0.92, -0.05),
        ]
    jitter = s.draws(len(spots), 5).tolist()
    kinds = (_slice, _slice, _whole, _slice, _slice, _half, _slice, _whole)
    cuts: list[Cut] = []
    leaves: list[Leaf] = []
    for j, ((along, down), (a, b, size, turn, fruit)) in enumerate(zip(spots, jitter, strict=True)):
        radius = (0.2 + 0.07 * size) * min(s.half_w * s.half_h, 4.0) ** 0.18 * (1.2 if j in (0, 1) else 0.92)
        which = (first + (0, 0, 1, 1, 0, 1, 0, 2)[j] + (fruit < 0.2)) % 4
        x, y = (
            s.focus + outer * along + 0.1 * (a - 0.5),
            down * min(s.half_h, 3.6) + 0.1 * (b - 0.5),
        )
        cuts.append((kinds[j], Piece(x, y, radius * (0.8 if which in (1, 2) else 1), 6.28 * turn, which)))
        for k in range(2 if j < 4 else 0):
            angle = 6.28 * (turn + 0.17 * k)
            out = radius * (1.02 + 0.15 * k)
            leaves.append(
                (x + out * np.cos(angle), y + out * np.sin(angle), 0.12 + 0.05 * size, angle + 0.7 * (k - 1))
            )
    return cuts, leaves


def _cast(s: Stage, part: Array, gone: Array, radius: float, amount: float = 0.55) -> None:
    """A hard-sun shadow from a distance to the thing's shifted outline (units, negative inside)."""
    over(part, soft(-gone, 0.03 + 0.06 * radius) * amount, s.deep * 0.7 + s.mid * 0.2)


def _slice(s: Stage, picture: Array, piece: Piece) -> None:
    """A round slice: peel, pith, segments between membranes, juice that shines."""
    x, y, r, turn, fruit = piece
    w = s.window(x, y, r * 1.5 + 0.05)
    skin, flesh = (s.local(c, 0.12) for c in FRUITS[fruit])
    segments, keys, lamp = 8 + int(turn * 10) % 3, (s.key(), s.key(), s.key()), s.gold * 0.1
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    dx, dy = w.x - np.float32(x), (w.y - np.float32(y)) / np.float32(SQUASH)
    _cast(s, part, np.hypot(dx + 0.13 * r * s.sun, dy - 0.17 * r) - r, r)
    over(part, s.edge(r - np.hypot(dx, dy - 0.07 * r)), skin * 0.72)  # the thickness of the slice
    gone = np.hypot(dx, dy) / np.float32(r)
    angle = np.arctan2(dy, dx) + np.float32(turn)
    around = angle * np.float32(segments / (2 * np.pi)) + 0.12 * lattice(
        keys[0], angle * 1.6, np.zeros((1, 1))
    )
    middle = (
        np.abs(around - np.floor(around) - np.float32(0.5)) * 2
    )  # 0 in the middle of a segment, 1 at its wall
    wall = (1 - middle) * np.float32(np.pi / segments) * gone
    rim = np.float32(0.83) - 0.1 * middle**4
    inside = np.minimum(np.minimum(wall - 0.016, rim - gone), gone - 0.09) * np.float32(r)
    vesicle = lattice(keys[1], around * np.float32(4.5), gone * np.float32(3.2)) + 0.6 * lattice(
        keys[2], around * np.float32(11), gone * np.float32(5)
    )
    fine = float(np.clip(r / s.pixel / 14 - 0.6, 0, 1))
    pulp = mix(
        flesh * 0.86, flesh * 1.02 + 0.05, np.clip(0.55 + 0.22 * vesicle * fine + 0.3 * (gone - 0.5), 0, 1)
    )
    over(pulp, np.clip(vesicle * fine - 0.75, 0, 1) * 0.5, PITH * (1 - s.dim * 0.6))
    pith = s.local(PITH, 0.1)
    face = mix(skin * 1.03, pith, s.edge((0.925 - gone) * np.float32(r), 0.02 * r))
    over(face, soft(np.float32(0.86) - gone, 0.03) * 0.25, flesh)
    over(face, s.edge(inside, 0.012 * r), pulp)
    shine = np.exp(-(((dx - 0.3 * s.sun * r) ** 2 + (dy + 0.4 * r) ** 2) / np.float32(0.3 * r * r)))
    over(face, shine * (0.2 + lamp), s.light * 0.3 + 0.7 * (1 - s.dim))
    over(part, s.edge((1 - gone) * np.float32(r)), face)


def _half(s: Stage, picture: Array, piece: Piece) -> None:
    """Half a fruit lying cut side up: the slice raised on the bowl of its peel."""
    x, y, r, _, fruit = piece
    skin = s.local(FRUITS[fruit][0], 0.12)
    w = s.window(x, y, r * 1.9 + 0.05)
    if w.x.size and w.y.size:
        dx, dy = w.x - np.float32(x), w.y - np.float32(y)
        _cast(s, picture[w.cut], np.hypot(dx + 0.4 * r * s.sun, (dy - 0.45 * r) / 0.95) - r, r)
        bowl = np.maximum(r - np.hypot(dx, (dy - 0.2 * r) / np.float32(0.98)), -9)
        lit = np.clip(0.72 + 0.3 * s.sun * dx / r - 0.25 * dy / r, 0.35, 1.1)
        over(picture[w.cut], s.edge(bowl), skin[:, None, None] * lit)
    _slice(s, picture, piece)


def _whole(s: Stage, picture: Array, piece: Piece) -> None:
    """A whole fruit with a pitted, waxy skin."""
    x, y, r, turn, fruit = piece
    key, skin = s.key(), s.local(FRUITS[fruit][0], 0.12)
    w = s.window(x, y, r * 1.9 + 0.05)
    if not (w.x.size and w.y.size):
        return
    dx, dy = (w.x - np.float32(x)) / np.float32(r), (w.y - np.float32(y)) / np.float32(r)
    _cast(s, picture[w.cut], (np.hypot(dx + 0.5 * s.sun, dy - 0.55) - 0.98) * r, r)
    gone = np.hypot(dx, dy)
    dz = np.sqrt(np.maximum(1 - gone * gone, 0))
    pits = lattice(key, dx * np.float32(15) / (0.6 + dz), dy * np.float32(15) / (0.6 + dz))
    pits = pits * float(np.clip(r / s.pixel / 30 - 0.5, 0, 1))
    facing = 0.5 * s.sun * dx - 0.52 * dy + 0.62 * dz + 0.02 * pits
    body = mix(skin * 0.42 + s.deep * 0.1, skin * 1.06, soft(facing - 0.22, 0.6))
    glint = np.exp(-((dx - 0.36 * s.sun) ** 2 + (dy + 0.4) ** 2) / np.float32(0.075)) * (1 + 0.25 * pits)
    over(body, np.clip(glint, 0, 1) * 0.45, s.light * 0.3 + 0.7 * (1 - s.dim))
    star = np.hypot(dx - 0.25 * np.cos(turn), dy - 0.25 * np.sin(turn))
    over(body, soft(0.075 - star, 0.03) * 0.6, MINT * 0.7)
    over(picture[w.cut], s.edge((1 - gone) * np.float32(r)), body)


def _leaf(s: Stage, picture: Array, x: float, y: float, length: float, angle: float) -> None:
    """A mint leaf: serrated, ribbed, one half in the light."""
    w = s.window(x, y, length * 1.3 + 0.12)
    if not (w.x.size and w.y.size):
        return
    c, q = np.float32(np.cos(angle) / length), np.float32(np.sin(angle) / length)

    def blade(px: Array, py: Array) -> tuple[Array, Array, Array]:
        along, across = px * c + py * q, py * c - px * q
        across = across + 0.12 * along * along
        notch = 0.035 * np.abs(np.mod(along * 6 - np.abs(across) * 2, 1) - 0.5)
        shape = np.float32(0.5) * np.sqrt(np.clip(1 - along * along, 0, 1)) * (1 - 0.28 * along) - notch
        return (
            along,
            across,
            np.minimum(
                (shape - np.abs(across)) * np.float32(length), (1 - np.abs(along)) * np.float32(length)
            ),
        )

    dx, dy = w.x - np.float32(x), w.y - np.float32(y)
    _cast(s, picture[w.cut], -blade(dx + 0.03 * s.sun, dy - 0.035)[2], 0.1, 0.45)
    along, across, inside = blade(dx, dy)
    ribs = np.sin((along * 1.0 - np.abs(across) * 1.3) * np.float32(24))
    fine = float(np.clip(length / s.pixel / 12 - 0.6, 0, 1))
    lit = 0.86 + 0.22 * np.tanh(across * 9) * s.sun * np.sign(c) + 0.07 * ribs * fine
    green = (
        s.local(
            MINT * np.float32(0.85 + 2.2 * (length - 0.12)) + np.array([0.06, 0.06, 0], np.float32), 0.15
        )[:, None, None]
        * lit
    )
    over(
        green,
        np.exp(-((across / 0.03) ** 2)) * 0.4 * fine,
        s.local(np.array([0.6, 0.75, 0.45], np.float32), 0.15),
    )
    over(picture[w.cut], s.edge(inside), green)


SCENE = Scene(
    (
        "citrus flatlay",
        "citrus slices on a table",
        "sliced oranges and lemons",
        "fresh citrus fruit",
        "lemons and mint leaves",
    ),
    paint,
    surface=True,
)
