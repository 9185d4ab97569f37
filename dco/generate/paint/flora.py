"""Petals, blossoms, leaves and twigs as soft shapes: what seasons scatter and leafy scenes are made of.

Each shape is painted in a window around its `Pose`, in place, from a formula of the outline in polar or leaf
coordinates: a blur is then a softer edge, not a filter, and costs the same at every size.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Stage, Window, mix, over, soft


class Pose(NamedTuple):
    """Where a shape is and how it is seen: centre and size in units, angle in radians, `tilt` the share of its
    width that turning away leaves (1 faces the viewer), `blur` the softness of its edge in parts of its size."""

    x: float
    y: float
    size: float
    angle: float = 0.0
    tilt: float = 1.0
    blur: float = 0.03


# Half the outline of a maple leaf from tip to stem: degrees off the tip, and the radius there.
_MAPLE = np.array(
    [
        [0, 8, 13, 23, 33, 42, 49, 56, 68, 82, 97, 110, 135, 160, 180],
        [1.0, 0.72, 0.76, 0.4, 0.66, 0.9, 0.67, 0.66, 0.34, 0.5, 0.66, 0.44, 0.36, 0.24, 0.1],
    ],
    np.float32,
)
_MAPLE_VEINS = np.radians(np.array([0, 42, -42, 97, -97], np.float32))


def placed(s: Stage, pose: Pose, reach: float = 1.6) -> tuple[Window, Array, Array] | None:
    """The window of a shape with its coordinates `along` and `across`, in sizes; nothing where it is off-frame."""
    w = s.window(pose.x, pose.y, pose.size * reach)
    if not (w.x.size and w.y.size):
        return None
    dx, dy = (w.x - pose.x) / pose.size, (w.y - pose.y) / pose.size
    cos, sin = np.float32(np.cos(pose.angle)), np.float32(np.sin(pose.angle))
    return w, dx * cos + dy * sin, (dy * cos - dx * sin) / np.float32(pose.tilt)


def softness(s: Stage, pose: Pose) -> float:
    """The softness of a pose's edge in sizes, never sharper than a pixel."""
    return max(pose.blur, 0.8 * s.pixel / pose.size)


def petal(s: Stage, picture: Array, pose: Pose, tip: Array, base: Array, amount: float = 1.0) -> None:
    """A single petal, notched at its tip, paler towards it."""
    at = placed(s, pose)
    if at is None:
        return
    w, along, across = at
    across = across + 0.18 * along * along
    wide = 0.62 + 0.22 * np.clip(along, -1, 1)
    notch = 0.3 * np.exp(-((across / 0.14) ** 2)) * np.clip(along, 0, 1)
    inside = 1 - np.sqrt(along * along + (across / wide) ** 2) - notch
    shade = np.clip(0.5 + 0.5 * along + 0.5 * across, 0, 1)
    over(picture[w.cut], soft(inside, softness(s, pose)) * amount, mix(base, tip, shade))


def blossom(s: Stage, picture: Array, pose: Pose, tip: Array, base: Array, amount: float = 1.0) -> None:
    """An open flower of five petals."""
    at = placed(s, pose)
    if at is None:
        return
    w, along, across = at
    gone = np.sqrt(along * along + across * across)
    lobe = np.abs(np.cos(2.5 * np.arctan2(across, along)))
    edge = softness(s, pose)
    part = picture[w.cut]
    cover = soft(0.5 + 0.5 * np.sqrt(lobe) - gone, edge) * amount
    shade = np.clip(gone * 1.1 - 0.1, 0, 1) * (0.72 + 0.28 * lobe) + 0.12 * along
    over(part, cover, mix(base, tip, np.clip(shade, 0, 1)))
    heart = np.exp(-((gone / (0.16 + 0.4 * edge)) ** 2)) * amount * 0.65
    over(part, heart, np.array([0.86, 0.62, 0.3], np.float32) * 0.6 + base * 0.4)


def maple(s: Stage, picture: Array, pose: Pose, inner: Array, outer: Array, amount: float = 1.0) -> None:
    """A maple leaf on its stem, folded along the middle so that one half takes more light."""
    at = placed(s, pose, 1.7)
    if at is None:
        return
    w, along, across = at
    along = along + 0.12 * across * across  # the blade curls
    gone = np.sqrt(along * along + across * across) + np.float32(1e-4)
    angle = np.arctan2(across, along)
    rim = np.interp(np.abs(angle), np.radians(_MAPLE[0]), _MAPLE[1]).astype(np.float32)
    edge = softness(s, pose)
    sharp = float(np.clip(1 - edge / 0.16, 0, 1))
    cover = soft((rim - gone) * 0.75, edge)
    stem = soft(0.035 - np.abs(across - 0.1 * along), edge) * (along < 0) * soft(0.75 + along, 0.05)
    blade = mix(inner, outer, np.clip(gone / rim, 0, 1) ** 2)
    blade = blade * (1 + 0.2 * np.tanh(across * 4) + 0.12 * along)
    if sharp:
        veins = np.minimum.reduce([np.abs(np.sin(angle - v)) + (np.cos(angle - v) < 0) for v in _MAPLE_VEINS])
        over(blade, np.exp(-((veins * gone / 0.022) ** 2)) * 0.45 * sharp, inner * 0.7 + 0.3)
    part = picture[w.cut]
    over(part, stem * amount * (1 - 0.5 * edge / (edge + 0.2)), outer * 0.55)
    over(part, cover * amount, blade)


def leaf(s: Stage, picture: Array, pose: Pose, inner: Array, outer: Array, amount: float = 1.0) -> None:
    """A simple leaf, pointed at both ends, with a midrib and side veins."""
    at = placed(s, pose, 1.5)
    if at is None:
        return
    w, along, across = at
    across = across / 0.42 + 0.35 * along * along - 0.1
    edge = softness(s, pose)
    sharp = float(np.clip(1 - edge / 0.16, 0, 1))
    blade = mix(inner, outer, np.clip(np.abs(across) * 0.7 + 0.25 * along + 0.15, 0, 1))
    blade = blade * (1 + 0.2 * np.tanh(across * 4))
    if sharp:
        veins = np.sin((along * 1.0 - np.abs(across) * 0.35) * 24) * 0.06 * sharp
        blade = blade * (1 + veins)
        over(blade, np.exp(-((across / 0.07) ** 2)) * 0.45 * sharp, inner * 0.65 + 0.3)
    inside = (1 - along * along) * (1 - 0.25 * along) - np.abs(across)
    part = picture[w.cut]
    stem = soft(0.1 - np.abs(across - 0.25), edge * 2) * (along < -0.9) * soft(along + 1.35, 0.04)
    over(part, stem * amount, outer * 0.6)
    over(part, soft(inside * 0.42, edge) * amount, blade)


def twig(s: Stage, picture: Array, points: Array, radius: float, blur: float, colour: Array) -> None:
    """A tapering bent line through points float[n, 2] (units), in place."""
    low, high = points.min(0) - radius - 2 * blur, points.max(0) + radius + 2 * blur
    middle, reach = (low + high) / 2, (high - low) / 2
    w = s.window(float(middle[0]), float(middle[1]), float(reach[0]), float(reach[1]))
    if not (w.x.size and w.y.size):
        return
    nearest = np.full((w.y.size, w.x.size), -9, np.float32)
    for j, (a, b) in enumerate(pairwise(points)):
        step = b - a
        t = ((w.x - a[0]) * step[0] + (w.y - a[1]) * step[1]) / max(float(step @ step), 1e-9)
        t = np.clip(t, 0, 1)
        gone = np.sqrt((w.x - a[0] - t * step[0]) ** 2 + (w.y - a[1] - t * step[1]) ** 2)
        thick = radius * (1 - 0.75 * (j + t) / (len(points) - 1))
        nearest = np.maximum(nearest, np.asarray(thick - gone, np.float32))
    over(picture[w.cut], s.edge(nearest, blur), colour)


def spray(
    s: Stage, pose: Pose, leaflets: float = 9, fullness: float = 0.8
) -> tuple[Window, Array, Array] | None:
    """A stalk with leaflets on both sides, from its foot at the pose's place, one size long.

    Returns:
        The window, the coverage and the shade (0 at a leaflet's dark half, 1 at its lit one) there.
    """
    at = placed(s, pose, 1.25)
    if at is None:
        return None
    w, along, across = at
    across = across - 0.22 * along * along  # the stalk bends
    out = np.abs(across)
    side = np.where(across > 0, np.float32(0.0), np.float32(0.5))
    phase = (along - out * 0.75) * leaflets + side
    turn = phase - np.floor(phase) - 0.5
    root = np.clip(along - out * 0.75, 0, 1)
    long = 0.52 * np.sqrt(np.clip(np.sin(np.pi * np.minimum(root * 0.9 + 0.08, 1)), 0, 1)) + 1e-3
    t = out / long
    wide = fullness * 0.5 * np.sqrt(np.clip(t * 3, 0, 1)) * (1 - np.clip(t, 0, 1) ** 2)
    inside = (wide - np.abs(turn)) / np.float32(leaflets) * 0.8
    stem = along - out * 0.75
    inside = inside - np.maximum(t - 1, 0) * long - np.maximum(np.abs(stem - 0.5) - 0.5, 0)
    edge = softness(s, pose)
    stalk = soft(0.014 - out, edge) * soft(1 - along, edge) * (along > 0)
    return w, np.maximum(soft(inside, edge), stalk), np.asarray(np.clip(0.5 + turn * 1.6, 0, 1), np.float32)
