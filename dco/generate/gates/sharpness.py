"""The picture is as sharp as it can be: detail where the render has it, pixels that differ from their neighbours.

Three views of one thing. `detail` is the slope of the picture's fine structure on the render's (1: all of it is there),
which grain cannot raise. `grain` is the noise of native pixels that every finished picture has and a blur takes away.
`edge`, for pictures that lie on no render, is how much steeper the steepest edges are at a fine scale than at a coarse
one, which is what the width of the blur decides (Zhuo and Sim 2011, Defocus map estimation from a single image).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

from dco.generate.gates._subject import Floats, Gauge, Measure, Subject

FINE, COARSE = 0.8, 2.0
"""Scales of the edge measure, pixels."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_LEAST_DETAIL = 0.05
"""Root mean square of the render's fine L* below which there is no detail to lose."""

_LEAST_EDGE = 4.0
"""Gradient, in grey levels a pixel at the coarse scale, below which nothing is an edge."""


def _measure(subject: Subject) -> Mapping[str, float]:
    found: dict[str, float] = {}
    render = subject.render_lab
    if render is not None:
        wanted, shown = _fine(render[..., 0]), _fine(subject.small_lab[..., 0])
        power = float((wanted * wanted).mean())
        if power > _LEAST_DETAIL**2:
            found["detail"] = float((wanted * shown).mean()) / power
        found["grain"] = noise(subject.tiles @ _LUMA)
    else:
        edge = _edge(subject.tiles @ _LUMA)
        if edge is not None:
            found["edge"] = edge
    return found


def noise(tiles: Floats) -> float:
    """Standard deviation of the finest diagonal detail (Donoho and Johnstone 1994, from its median)."""
    a, b, c, d = tiles[:, ::2, ::2], tiles[:, 1::2, ::2], tiles[:, ::2, 1::2], tiles[:, 1::2, 1::2]
    return float(np.median(np.abs(a - b - c + d))) / 2 / 0.6745


def _fine(luma: Floats) -> Floats:
    return luma - gaussian_filter(luma, 1.2)


def _edge(tiles: Floats) -> float | None:
    coarse = np.stack([gaussian_gradient_magnitude(t, COARSE) for t in tiles])
    limit = max(_LEAST_EDGE, float(np.quantile(coarse, 0.99)))
    strong = coarse >= limit
    if strong.sum() < 200:
        return None
    fine = np.stack([gaussian_gradient_magnitude(t, FINE) for t in tiles])
    return float(np.quantile(fine[strong] / coarse[strong], 0.9))


GATE = Gauge(
    "sharpness",
    {
        "detail": Measure(
            "least",
            "blurred: {value:.0%} of the render's fine detail is left; at least {limit:.0%} is needed",
        ),
        "grain": Measure(
            "least",
            "blurred: neighbouring pixels differ by {value:.2f} of 255; at least {limit:.2f} is needed",
            0.1,
        ),
        "edge": Measure(
            "least", "blurred: edges are {value:.2f} times as steep up close; at least {limit:.2f} is needed"
        ),
    },
    _measure,
)
