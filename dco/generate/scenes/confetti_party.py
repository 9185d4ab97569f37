"""Paper confetti and streamers that fall through a lit studio, from far and small to near and blurred."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.lens import bokeh

GOLD = np.array([0.92, 0.72, 0.34], np.float32)
ROSE = np.array([0.93, 0.46, 0.5], np.float32)
MINT = np.array([0.45, 0.78, 0.72], np.float32)
PIECES, LANDED = 120, 40
STREAMERS = 4
GLINTS = 9


def paint(s: Stage) -> Array:
    floor = s.at_v(s.draw(0.74, 0.8))
    picture = _studio(s, floor)
    tints = _tints(s)
    _landed(s, picture, floor, tints)
    for j in range(STREAMERS):
        _streamer(s, picture, tints[(j * 2 + 1) % len(tints)])
    _falling(s, picture, tints)
    return picture


def _tints(s: Stage) -> list[Array]:
    """Papers: the palette's own first, then gold and two that only lean towards it."""
    # Paper in a low key catches the lamp: in tones as dim as the wall it would float there like ash.
    own = [s.accent * (1 - 0.15 * s.dim), s.mid, s.local(GOLD, 0.12), s.light0 * (1 - 0.2 * s.dim)]
    return [
        *own,
        s.local(ROSE, 0.32),
        s.accent * (1 - 0.15 * s.dim),
        s.local(MINT, 0.35),
        s.mid0 * 0.7 + s.deep * (0.3 - 0.3 * s.dim),
    ]


def _studio(s: Stage, floor: float) -> Array:
    """A seamless sweep under one large lamp, with glints far behind."""
    gone = (s.u - s.focus_u * 0.7) ** 2 * 0.6 + (s.v - 0.35) ** 2 * 1.3
    picture = s.ramp(s.light, s.mid * 0.72 + s.light * 0.28, np.clip(gone * 0.9 + 0.04, 0, 1))
    near = mix(s.light * 0.72 + s.mid * 0.28, s.mid * 0.8 + s.light * 0.2, np.clip((s.y - floor) * 1.1, 0, 1))
    over(picture, soft(s.y - floor, 0.11), near)
    pool = np.exp(-(((s.x - s.focus) / 0.75) ** 2) - ((s.y - s.at_v(0.9)) / 0.16) ** 2)
    screen(picture, pool * 0.35 * (1 - 0.5 * s.night), s.light0)
    for px, py, size, shine in s.draws(GLINTS, 4).tolist():
        place = (s.focus + (2 * px - 1) * 0.7 * s.half_w, s.at_v(0.05 + 0.55 * py))
        tint = s.accent * 0.4 + s.light0 * 0.6
        bokeh(s, picture, place, 0.05 + 0.09 * size, 0.1 + 0.22 * shine, tint)
    return picture


def _calm(s: Stage, x: float, v: float = 0.5) -> float:
    """How much of a thing at x is left: all of it at the product, little on the copy's side or under a headline."""
    if s.copy_side == "center":
        return 0.4 if v < 0.34 and abs(x) < 0.62 * s.half_w else 1.0
    return float(np.clip(0.55 + 0.75 * x / s.half_w * np.sign(s.focus_u), 0.0, 1))


def _falling(s: Stage, picture: Array, tints: list[Array]) -> None:
    """Far pieces first. They thin out downwards, around the product's place, and towards the copy."""
    for j, (px, py, size, turn, tilt, kind, keep) in enumerate(s.draws(PIECES, 7).tolist()):
        depth = j / PIECES
        u = 2 * px - 1
        x, v = u * 1.02 * s.half_w, -0.04 + 0.92 * py**1.35
        beside = float(np.clip(abs(x - s.focus) / 0.42, 0, 1)) if v > 0.28 else 1.0
        if keep > _calm(s, x, v) * (0.12 + 0.88 * beside) * (1.1 - 0.55 * v):
            continue
        blurred = abs(depth - 0.55) / 0.45
        if depth < 0.55:
            half, softness = 0.016 + 0.014 * size + 0.02 * depth, 0.004 + 0.012 * blurred
        elif depth < 0.93:
            half, softness = 0.032 + 0.016 * size, 0.003 + 0.012 * blurred**2
        else:
            half, softness = 0.075 + 0.05 * size, 0.042
        fade = 0.6 + 0.4 * min(1.0, depth * 1.8) - 0.25 * (depth >= 0.93)
        _paper(
            s,
            picture,
            (x, s.at_v(v)),
            half,
            softness,
            (turn, tilt),
            kind < 0.3,
            tints[int(kind * 97) % len(tints)],
            fade,
        )


def _paper(
    s: Stage,
    picture: Array,
    place: tuple[float, float],
    half: float,
    softness: float,
    pose: tuple[float, float],
    round_: bool,
    tint: Array,
    cover: float,
) -> None:
    """One piece, foreshortened by its tilt, lit by how far it turns to the lamp, and curled a little."""
    x, y = place
    turn, tilt = pose
    w = s.window(x, y, half * 1.5 + softness * 2)
    if not (w.x.size and w.y.size):
        return
    angle = np.pi * turn
    thin = half * (0.22 + 0.78 * abs(np.cos(np.pi * tilt)))
    a = (w.x - x) * np.float32(np.cos(angle)) + (w.y - y) * np.float32(np.sin(angle))
    b = (w.y - y) * np.float32(np.cos(angle)) - (w.x - x) * np.float32(np.sin(angle))
    b = b + (tilt - 0.5) * 0.7 * a * a / half
    if round_:
        inside = (1 - np.sqrt((a / half) ** 2 + (b / thin) ** 2)) * thin
        mask = s.edge(inside, softness)
    else:
        mask = s.edge(half * 0.72 - np.abs(a), softness) * s.edge(thin - np.abs(b), softness)
    lamp = 0.72 + 0.4 * float(np.cos(np.pi * (tilt - turn * s.sun * 0.3)) ** 2)
    curl = np.clip(0.5 + b / (2 * thin) + 0.25 * a / half * s.sun, 0, 1)
    over(picture[w.cut], mask * cover, mix(tint * (lamp * 1.12) + 0.05, tint * (lamp * 0.78), curl))


def _landed(s: Stage, picture: Array, floor: float, tints: list[Array]) -> None:
    """Pieces on the floor, flat in perspective, each over its own small shadow."""
    for px, py, size, turn, kind, keep in s.draws(LANDED, 6).tolist():
        depth = py**0.8
        x = (2 * px - 1) * 1.05 * s.half_w
        y = floor + 0.06 + depth * (s.half_h - floor)
        if keep > _calm(s, x) * 0.95:
            continue
        half = (0.016 + 0.012 * size) * (0.7 + 0.9 * depth)
        w = s.window(x, y, half * 2.2, half * 1.4)
        if not (w.x.size and w.y.size):
            continue
        part, flat = picture[w.cut], 0.3 + 0.12 * depth
        skew = (turn - 0.5) * 1.6
        a, b = (w.x - x) + skew * (w.y - y), (w.y - y) / flat
        shadow = np.exp(-(((a + s.sun * 0.006) / (half * 1.15)) ** 2) - ((b - 0.02) / (half * 1.2)) ** 2)
        over(part, shadow * 0.32, s.deep)
        softness = 0.005 + 0.012 * abs(depth - 0.5)
        if kind < 0.35:
            mask = s.edge(half - np.hypot(a, b), softness)
        else:
            mask = s.edge(half * 0.8 - np.abs(a), softness) * s.edge(half * 0.8 - np.abs(b), softness)
        over(part, mask * 0.95, tints[int(kind * 97) % len(tints)] * (0.86 + 0.25 * turn))


def _streamer(s: Stage, picture: Array, tint: Array) -> None:
    """A curled ribbon that hangs from above the frame: a helix seen from the side shows its two faces in turn."""
    out, long, size, phase, lean = (s.draw() for _ in range(5))
    side = float(np.sign(s.focus_u)) if s.copy_side != "center" else (1.0 if phase > 0.5 else -1.0)
    x = s.focus + side * (0.3 + 0.75 * out) * max(s.half_w - abs(s.focus) * 0.6, 0.4)
    swing, pitch = 0.045 + 0.05 * size, s.draw(13, 19)
    end = s.at_v(0.2 + 0.45 * long)
    w = s.window(x, (end - s.half_h) / 2, 0.34, (end + s.half_h) / 2 + 0.02)
    if not (w.x.size and w.y.size):
        return
    down = w.y + s.half_h
    turn = down * np.float32(pitch) * (1 - 0.12 * down) + np.float32(6.28 * phase)
    middle = x + swing * np.sin(turn) + (lean - 0.5) * 0.16 * down
    steep = np.sqrt(1 + (swing * pitch * np.cos(turn)) ** 2)
    face = np.cos(turn)
    half = (0.012 + 0.008 * size) * (0.35 + 0.65 * np.abs(face)) * np.clip((end - w.y) / 0.1, 0, 1) ** 0.5
    softness = 0.005 + 0.006 * out
    mask = s.edge(half - np.abs(w.x - middle) / steep * 1.0, softness)
    shade = np.clip(0.5 + 0.5 * face, 0, 1)
    over(picture[w.cut], mask * 0.95, mix(tint * 0.62, tint * 1.12 + 0.04, shade * np.ones_like(w.x)))


SCENE = Scene(("confetti party", "falling confetti", "party streamers", "celebration with confetti"), paint)
