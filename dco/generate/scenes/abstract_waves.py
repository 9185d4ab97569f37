"""Ribbons that flow over each other, each with a lit crest and a shadow on the one behind."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, over

RIBBONS = 7


def paint(s: Stage) -> Array:
    picture = s.ramp(s.light, s.light * 0.6 + s.mid * 0.4, np.clip(0.5 + 0.5 * (s.u * 0.5 + s.v - 0.5), 0, 1))
    for j in range(RIBBONS):
        _ribbon(s, picture, j)
    return picture


def _ribbon(s: Stage, picture: Array, j: int) -> None:
    t = j / (RIBBONS - 1)
    x = s.x / np.float32(s.half_w**0.5)  # a banner gets longer waves, not only more of them
    slow = np.sin(x * s.draw(0.8, 1.8) + s.draw(0, 6.28) + s.focus_u * 2)
    fast = np.sin(x * s.draw(2, 4) + s.draw(0, 6.28))
    below = (s.y - s.at_v(0.25 + 0.11 * j)) / 2 - 0.16 * slow - 0.05 * fast
    over(picture, np.exp(np.minimum(below, 0) / 0.035) * (below < 0) * 0.32, s.deep)
    parts = np.array([(1 - t) * 0.8, 0.2 + 1.2 * t * (1 - t), t * t * 0.8], np.float32)
    tone = (parts / parts.sum()) @ np.stack([s.light, s.mid, s.deep])
    crest = s.accent * 0.5 + s.light * 0.5 if j % 2 else s.mid
    ribbon = s.ramp(tone * 0.6 + crest * 0.4, tone, np.clip(below * 5, 0, 1))
    over(ribbon, np.exp(-((below / 0.012) ** 2)) * 0.5, s.light)
    over(picture, s.edge(below * 2, 0.006), ribbon)


SCENE = Scene(("abstract waves", "flowing abstract waves", "abstract ribbons"), paint)
