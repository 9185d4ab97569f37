"""A wooden counter before a kitchen out of focus, lit through a window on the side of the copy."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.lens import halo
from dco.generate.paint.materials import edge_light, level, polish, surface

ITEMS = 9
LEAF = np.array([0.24, 0.42, 0.17], np.float32)
CLAY = np.array([0.72, 0.45, 0.32], np.float32)
OAK = np.array([0.62, 0.44, 0.28], np.float32)
# What lies on the counter: its skin, and how far its ends stand out.
FRUITS = (
    (np.array([0.95, 0.78, 0.2], np.float32), 0.16),
    (np.array([0.93, 0.52, 0.14], np.float32), 0.0),
    (np.array([0.72, 0.17, 0.12], np.float32), 0.0),
    (np.array([0.45, 0.6, 0.18], np.float32), 0.1),
)


def paint(s: Stage) -> Array:
    edge = s.at_v(s.draw(0.64, 0.7))
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    picture = _room(s, edge, outer)
    _worktop(s, picture, edge)
    _on_counter(s, picture, edge, outer)
    return picture


def _room(s: Stage, edge: float, outer: float) -> Array:
    """Tiles, two shelves and the glow of a window, as a lens focused on the product sees them."""
    wall = mix(
        s.light * 0.36 + s.mid * 0.64,
        s.light * 0.72 + s.mid * 0.28,
        np.clip(0.45 - 0.3 * s.u * outer + 0.1 * s.noise(1.5, octaves=2), 0, 1),
    )
    room = np.array(wall * np.float32(0.97), np.float32)
    tile = np.minimum(*(np.abs(np.mod(a * np.float32(k), 1) - 0.5) / k for a, k in ((s.x, 2.6), (s.y, 5.2))))
    over(room, np.exp(-((tile / 0.022) ** 2)) * 0.1, s.light * 0.4 + 0.6)
    for k in range(2):
        _shelf(s, room, edge - 0.62 - 0.56 * k - s.draw(0, 0.08), outer)
    _window(s, room, edge, outer)
    for x, y, radius, amount in (s.draws(9, 4) * np.array([1, 1, 0.07, 0.22], np.float32)).tolist():
        at = s.focus + outer * (1.3 * x - 0.35), edge - 0.25 - 1.2 * y
        w = s.window(*at, radius + 0.12)
        disc = soft(radius + 0.05 - np.hypot(w.x - at[0], w.y - at[1]), 0.02)
        over(room[w.cut], disc * amount, s.accent * 0.35 + s.light * 0.3 + 0.35 * (1 - 0.6 * s.dim))
    over(room, np.exp(-np.maximum(edge - s.y, 0) / 0.16) * 0.2, s.deep)
    if s.dim:
        _lamp(s, room, edge, outer)
    return room


def _lamp(s: Stage, room: Array, edge: float, outer: float) -> None:
    """Warm lamps over the counter wash the tiles behind the product when the window gives little."""
    warm = s.light0 * 0.35 + np.array([0.65, 0.5, 0.26], np.float32)
    x = s.focus + outer * 0.1
    down = np.maximum(s.y - np.float32(edge - 1.16), 0)
    cone = np.exp(-(((s.x - np.float32(x)) / (0.28 + 0.3 * down)) ** 2) - down * 0.9)
    screen(room, cone * soft(s.y - np.float32(edge - 1.2), 0.08) * np.float32(1.3 * s.dim), warm)
    fork = s.fork("lamps")
    for k in (0, 1):
        place = (x + outer * (0.42 * k + fork.draw(-0.05, 0.05)), edge - 1.16 + fork.draw(-0.05, 0.05))
        halo(s, room, place, 0.22, 1.3 * s.dim, warm)


def _window(s: Stage, room: Array, edge: float, outer: float) -> None:
    """A bright window far out of focus, and its glow over the wall."""
    half, middle = s.draw(0.42, 0.55), -outer * (0.62 * s.half_w + s.draw(-0.05, 0.1))
    if s.copy_side == "center":
        middle -= outer * 0.3
    dx, dy = np.abs(s.x - np.float32(middle)), np.abs(s.y - np.float32(edge - 1.15))
    pane = soft(half - dx, 0.1) * soft(0.8 - dy, 0.12)
    bars = np.maximum(np.exp(-((dx / 0.05) ** 2)), np.exp(-(((dy - 0.25) / 0.05) ** 2)))
    day = s.light * 0.6 + np.array([0.4, 0.4, 0.39], np.float32)
    dusk = s.deep0 * 0.75 + s.mid0 * 0.25
    glow = np.exp(-((dx / 1.1) ** 2 + (dy / 1.2) ** 2)) * 0.42 * (1 - s.night)
    over(room, glow, day)
    over(room, pane * (1 - 0.3 * bars) * (0.85 - 0.2 * s.night), dusk if s.night else day)


def _shelf(s: Stage, room: Array, board: float, outer: float) -> None:
    """A blurred board with jars, bowls, bottles and a plant, from the product to the edge of the picture."""
    dark = s.local(OAK * 0.75, 0.3)
    start = s.focus - outer * s.draw(0.3, 0.6)
    inks = [s.local(c, 0.4) for c in (CLAY, OAK, np.array([0.85, 0.83, 0.78], np.float32), LEAF)]
    inks += [s.accent * 0.6 + s.mid * 0.4, s.mid * 0.7 + s.deep * 0.3, s.light * 0.8 + s.mid * 0.2]
    for j, (along, wide, tall, ink) in enumerate(s.draws(ITEMS, 4).tolist()):
        x = start + outer * (0.12 + 0.23 * (j + 0.5 * along))
        half, high, tint = 0.05 + 0.055 * wide, 0.07 + 0.12 * tall, inks[int(ink * len(inks))]
        w = s.window(x, board - high, half + 0.16, high + 0.2)
        dx, dy = np.abs(w.x - np.float32(x)), np.float32(board - high) - w.y
        if ink < 0.25:  # a bowl
            shape = half * 1.3 - np.hypot(dx, np.maximum(np.float32(board - half * 1.2) - w.y, 0) * 8)
        elif wide < 0.3:  # a bottle: its neck above the shoulder
            shape = half - dx - np.clip(dy - high * 0.1, 0, 0.045) * (0.6 * half / 0.045)
        else:
            shape = half - dx
        item = soft(shape, 0.024) * soft(high - np.abs(dy), 0.03)
        lit = np.clip(0.8 - 0.5 * outer * (w.x - np.float32(x)) / half, 0.4, 1.3)
        over(room[w.cut], item * 0.82, tint[:, None, None] * lit)
    along_board = (s.x - np.float32(start)) * np.float32(outer)
    reach = soft(along_board, 0.04) * soft(0.25 + 0.23 * ITEMS - along_board, 0.04)
    plank = soft(0.03 - np.abs(s.y - np.float32(board + 0.03)), 0.02)
    over(room, plank * reach * 0.85, dark)
    over(room, np.exp(-(((s.y - np.float32(board + 0.1)) / 0.05) ** 2)) * reach * 0.16, s.deep)


def _worktop(s: Stage, picture: Array, edge: float) -> None:
    material = s.surface("wood")
    over(picture, s.edge(s.y - edge), surface(s, material, level(s, edge, 0.9)))
    polish(s, picture, edge, material)
    edge_light(s, picture, edge, 0.3)


def _on_counter(s: Stage, picture: Array, edge: float, outer: float) -> None:
    """A leaning board, a pot with a plant and some fruit behind the product's place, nearly in focus."""
    blur, foot = 0.014, edge + 0.05
    x, half, tall = s.focus + outer * s.draw(0.38, 0.5), s.draw(0.24, 0.3), s.draw(0.6, 0.75)
    w = s.window(x, foot - tall / 2, half + 0.1, tall / 2 + 0.15)
    dx, dy = w.x - np.float32(x), np.float32(foot) - w.y
    round_top = half - np.hypot(dx, np.maximum(dy - np.float32(tall - half), 0))
    board = (
        soft(round_top, blur) * soft(dy, blur) * soft(np.hypot(dx, dy - np.float32(tall - 0.1)) - 0.032, blur)
    )
    oak = s.local(OAK, 0.18)
    grain = 1 + 0.05 * np.sin(dx * 55 + 6 * np.sin(dy * 2.1)) * np.sin(dx * 23 + 2)
    over(picture[w.cut], np.exp(-((dy / 0.05) ** 2 + (dx / half) ** 4)) * 0.4, s.deep)
    over(picture[w.cut], board, oak[:, None, None] * (grain * (0.95 - 0.35 * outer * dx / half * 0.6)))
    _plant(s, picture, x + outer * s.draw(0.25, 0.36), foot + 0.04, blur)
    kind, count = int(s.draw() * len(FRUITS)), 2 + int(s.draw() * 2)
    for k in range(3):
        at = x - outer * (0.3 - 0.17 * k + s.draw(-0.03, 0.03)), foot + 0.05 + 0.05 * (k % 2)
        size = s.draw(0.068, 0.088)
        if k < count:
            _fruit(s, picture, *at, size, kind)


def _plant(s: Stage, picture: Array, x: float, foot: float, blur: float) -> None:
    """Basil in a clay pot."""
    tall, half = 0.24, 0.135
    w = s.window(x, foot - tall / 2, half * 1.5, tall)
    dx, dy = w.x - np.float32(x), np.float32(foot) - w.y
    over(picture[w.cut], np.exp(-((dy / 0.035) ** 2 + (dx / (half * 1.1)) ** 4)) * 0.5, s.deep)
    pot = (
        soft(np.float32(half * 0.72) + dy * np.float32(0.14) - np.abs(dx), blur)
        * soft(dy, blur)
        * soft(tall - dy, blur)
    )
    lit = np.clip(0.85 + 0.4 * s.sun * dx / half, 0.45, 1.25)
    over(picture[w.cut], pot, s.local(CLAY, 0.3)[:, None, None] * lit)
    leaf = s.local(LEAF, 0.2)
    for j, (turn, out, size) in enumerate(s.draws(26, 3).tolist()):
        near, angle = j / 26, np.pi * (0.1 + 0.8 * turn)
        cx, cy = x + 0.22 * out * np.cos(angle), foot - tall - 0.02 - 0.26 * out * np.sin(angle)
        r = 0.055 + 0.03 * size
        w = s.window(cx, cy, r * 1.5)
        c, q = np.cos(angle + 0.5 - size), -np.sin(angle + 0.5 - size)
        ex, ey = ((w.x - cx) * c + (w.y - cy) * q) / r, ((w.y - cy) * c - (w.x - cx) * q) / r
        shape = (1 - ex * ex - np.abs(ey) * (1.5 + 0.3 * ex)) * r
        lit = (0.55 + 0.65 * near) * (1 + 0.25 * np.tanh(ey * 3) * s.sun)
        over(picture[w.cut], soft(shape, blur), leaf[:, None, None] * lit)


def _fruit(s: Stage, picture: Array, x: float, foot: float, r: float, kind: int) -> None:
    colour, tips = FRUITS[kind]
    w = s.window(x, foot - r, r * 2.2)
    dx, dy = (
        (w.x - np.float32(x)) / np.float32(r * (1.04 + 1.1 * tips)),
        (w.y - np.float32(foot - r)) / np.float32(r),
    )
    over(picture[w.cut], np.exp(-((dx + 0.25 * s.sun) ** 2 * 0.8 + ((dy - 0.95) / 0.28) ** 2)) * 0.5, s.deep)
    tip = tips * np.exp(-((np.abs(dx) - 1) ** 2 + dy * dy * 6) / 0.05)
    facing = 0.5 * s.sun * dx - 0.6 * dy + 0.55 * np.sqrt(np.maximum(1 - dx * dx - dy * dy, 0))
    skin = s.local(colour, 0.2)[:, None, None] * (0.5 + 0.62 * soft(facing - 0.2, 0.6))
    over(skin, np.exp(-((dx - 0.35 * s.sun) ** 2 + (dy + 0.45) ** 2) / 0.06) * 0.45, s.light * 0.3 + 0.7)
    over(picture[w.cut], soft((1 + tip - np.hypot(dx, dy)) * r, 0.01), skin)


SCENE = Scene(
    ("kitchen counter", "wooden kitchen counter", "kitchen", "kitchen worktop", "bright kitchen"),
    paint,
    surface=True,
)
