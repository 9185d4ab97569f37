"""What a season brings into any scene: blossom, leaf shadows, falling leaves, snow, and its light."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Stage, over

TINT = {
    "spring": np.array([0.95, 0.86, 0.88], np.float32),
    "summer": np.array([1.0, 0.93, 0.72], np.float32),
    "autumn": np.array([0.8, 0.42, 0.14], np.float32),
    "winter": np.array([0.85, 0.92, 1.0], np.float32),
}


def season(s: Stage, picture: Array) -> None:
    """Add the stage's season to a picture, in place. The side of the copy stays calm."""
    over(picture, 0.12, TINT[s.season])
    for _ in range(26):
        u, v, radius = s.draw(-1, 1), s.draw(), s.draw(0.012, 0.04)
        if s.copy_side != "center" and u * s.focus_u < 0:
            radius *= 0.4
        w = s.window(u * s.half_w, s.at_v(v), radius * 1.5)
        gone = np.sqrt((w.x - u * s.half_w) ** 2 + (w.y - s.at_v(v)) ** 2)
        over(picture[w.cut], s.edge(radius - gone, radius * 0.4) * 0.7, TINT[s.season])
