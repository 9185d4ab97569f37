"""The side on which the copy will stand is calm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter

from dco.generate.gates._subject import Floats, Gauge, Measure, Subject
from dco.generate.vocabulary import COMPOSITIONS, copy_side

PART = 0.5
"""Share of the width (of the height, for centred copy) that the layouts give to the copy."""


def _measure(subject: Subject) -> Mapping[str, float]:
    word = (
        dict(subject.request.attributes).get("composition", "")
        if subject.look is None
        else subject.look.composition
    )
    if word not in COMPOSITIONS:
        return {}
    luma = subject.small_lab[..., 0]
    zone = copy_zone(word, luma.shape[1], luma.shape[0])
    restless = _restless(luma)
    found = {
        "texture": float(np.sqrt((restless[zone] ** 2).mean())),
        "contrast": float(np.quantile(luma[zone], 0.95) - np.quantile(luma[zone], 0.05)),
        "against_rest": float(np.sqrt((restless[zone] ** 2).mean() / max(1e-3, float((restless**2).mean())))),
    }
    if subject.render_lab is not None:
        meant = subject.render_lab[..., 0]
        added = gaussian_filter(luma - meant, 0.7) - gaussian_filter(luma - meant, 8.0)
        found["added"] = float(np.sqrt((added[zone] ** 2).mean()))
    return found


def copy_zone(composition: str, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns of a picture in which the copy will stand."""
    side = copy_side(composition)
    if side == "center":
        return slice(0, round(height * PART)), slice(0, width)
    columns = slice(0, round(width * PART)) if side == "left" else slice(width - round(width * PART), width)
    return slice(0, height), columns


def _restless(luma: Floats) -> Floats:
    """Gradient of L* per pixel of the small copy, fine grain smoothed away."""
    gy, gx = np.gradient(gaussian_filter(luma, 0.7))
    return np.hypot(gx, gy).astype(np.float32)


GATE = Gauge(
    "copy_space",
    {
        "texture": Measure("most", "busy copy side: detail of {value:.2f} L* a step; at most {limit:.2f} is allowed"),
        "contrast": Measure("most", "restless copy side: its tones span {value:.0f} L*; at most {limit:.0f} is allowed"),
        "against_rest": Measure("most", "busy copy side: {value:.2f} times the picture's detail; at most {limit:.2f} is allowed"),
        "added": Measure("most", "busy copy side: {value:.2f} L* of detail that the render has not; at most {limit:.2f} is allowed"),
    },
    _measure,
)  # fmt: skip
