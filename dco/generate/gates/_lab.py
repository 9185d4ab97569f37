"""CIE L*a*b* (D65) of sRGB pixels: distances in it are about what an eye sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TO_XYZ = (
    np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    / np.array([[0.95047], [1.0], [1.08883]])
).astype(np.float32)
_KNEE = (6 / 29) ** 3


def lab(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """float32[..., 3] L* in [0, 100], a*, b* of sRGB values in [0, 1] (IEC 61966-2-1; CIE 15)."""
    rgb = np.clip(rgb, 0, 1).astype(np.float32)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    f = np.where(xyz > _KNEE, np.cbrt(xyz), xyz * (841 / 108) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)
