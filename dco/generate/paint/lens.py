"""What a fast lens does to points of light and to things far from its focus."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Stage, screen


def bokeh(
    s: Stage, picture: Array, place: tuple[float, float], radius: float, strength: float, tint: Array
) -> None:
    """A point of light out of focus, screened in place: a disc of `radius` units, brighter at its rim, and squeezed
    towards the middle of the frame where the barrel of the lens cuts it (a cat's eye)."""
    x, y = place
    w = s.window(x, y, radius * 1.25)
    if not (w.x.size and w.y.size):
        return
    gone = np.sqrt((w.x - x) ** 2 + (w.y - y) ** 2) / np.float32(radius)
    shift = np.float32(0.16)
    cut = np.sqrt(
        (w.x - x + shift * x / s.half_w * radius) ** 2 + (w.y - y + shift * y / s.half_h * radius) ** 2
    )
    soft = max(0.035 * radius, 0.004)
    disc = s.edge((1 - gone) * radius, soft) * s.edge(radius * np.float32(1.04) - cut, soft)
    rim = np.float32(0.72) + np.float32(0.28) * np.minimum(gone, 1) ** 6
    screen(picture[w.cut], disc * rim * np.float32(strength), tint)


def halo(
    s: Stage, picture: Array, place: tuple[float, float], radius: float, strength: float, tint: Array
) -> None:
    """The soft glow around a light, screened in place; nothing of it is left at 2.6 radii."""
    x, y = place
    w = s.window(x, y, radius * 2.6)
    if not (w.x.size and w.y.size):
        return
    glow = np.exp(((w.x - x) ** 2 + (w.y - y) ** 2) * np.float32(-1 / radius**2))
    screen(picture[w.cut], glow * np.float32(strength), tint)


def defocus(s: Stage, picture: Array, sigma: float) -> Array:
    """A picture [3, ...] out of focus by `sigma` units. Blurred as light adds up, so that lamps grow and walls do not."""
    if sigma < 0.6 * s.pixel:
        return picture
    return np.sqrt(np.stack([blur(s, np.square(np.maximum(plane, 0)), sigma) for plane in picture]))


def blur(s: Stage, plane: Array, sigma: float) -> Array:
    """A Gaussian of about `sigma` units over [height, width], by way of nodes a sigma apart; the same at every size."""
    rows, columns = _bells(s.y[:, 0], s.half_h, sigma), _bells(s.x[0], s.half_w, sigma)
    down_rows, down_columns = (m / np.maximum(m.sum(0), 1e-6) for m in (rows, columns))
    up_rows, up_columns = (m / m.sum(1, keepdims=True) for m in (rows, columns))
    return np.asarray(up_rows @ (down_rows.T @ plane @ down_columns) @ up_columns.T, np.float32)


def _bells(places: Array, half: float, sigma: float) -> Array:
    reach = int(np.ceil(half / sigma))
    nodes = np.arange(-reach, reach + 1, dtype=np.float32) * np.float32(sigma)
    return np.exp(((places[:, None] - nodes) / np.float32(sigma * 0.75)) ** 2 * np.float32(-0.5))
