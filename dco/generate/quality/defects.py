"""Defects planted into good pictures, each at a stated severity: what the gates are measured with."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from dco.generate.gates.copy_space import copy_zone
from dco.generate.paint.render import add_grain

Pixels = NDArray[np.uint8]


class Defect(NamedTuple):
    """`plant(pixels, rng)` returns the spoilt picture; `severity` says in words how badly it is spoilt."""

    severity: str
    plant: Callable[[Pixels, np.random.Generator], Pixels]


def _side(pixels: Pixels) -> float:
    return sqrt(pixels.shape[0] * pixels.shape[1])


def _blurred(pixels: Pixels, part: float) -> NDArray[np.float32]:
    sigma = part * _side(pixels)
    return gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0))


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _bytes(_blurred(pixels, 0.003))


def _soft(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grained = add_grain((_blurred(pixels, 0.006) / 255).astype(np.float32), int(rng.integers(2**31)))
    return _bytes(grained * 255)


def _blocks(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    rows, columns = -(-height // 8), -(-width // 8)
    offset = rng.normal(0, 2.5, (rows, columns, 1)).repeat(8, 0).repeat(8, 1)[:height, :width]
    return _bytes(pixels + offset)


def _jpeg_blocks(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return jpeg(pixels, 10)


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _bytes(pixels + rng.normal(0, 8, pixels.shape))


def _saturation(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = pixels.mean(2, keepdims=True)
    return _bytes(grey + 1.6 * (pixels - grey))


def _bands(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return (pixels // 12 * 12 + 6).astype(np.uint8)


def _burnt(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    values = pixels.astype(np.float32)
    low, high = float(np.quantile(values, 0.3)), float(np.quantile(values, 0.7))
    return _bytes((values - low) / max(8.0, high - low) * 255)


def _smudge(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    out, radius = pixels.astype(np.float32), 0.04 * _side(pixels)
    y, x = np.mgrid[:height, :width]
    for _ in range(6):
        spot = np.exp(
            -((y - rng.uniform(0.1, 0.9) * height) ** 2 + (x - rng.uniform(0.1, 0.9) * width) ** 2)
            / radius**2
        )
        out += spot[..., None] * rng.permutation([36.0, -24.0, 12.0])
    return _bytes(out)


def _halo(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    sharp = pixels.astype(np.float32)
    return _bytes(sharp + 1.5 * (sharp - _blurred(pixels, 0.012)))


def _busy(pixels: Pixels, zone: tuple[slice, slice], rng: np.random.Generator) -> Pixels:
    """Leaves of light and shade over the copy zone."""
    out = pixels.astype(np.float32)
    part = out[zone]
    scale = 0.02 * _side(pixels)
    texture = gaussian_filter(rng.standard_normal(part.shape[:2]).astype(np.float32), scale)
    texture *= 26 / texture.std()
    out[zone] = part + texture[..., None]
    return _bytes(out)


def busy(pixels: Pixels, composition: str, rng: np.random.Generator) -> Pixels:
    """Texture of 26 of 255 (standard deviation, blobs of 2 % of the side) on the copy side."""
    return _busy(pixels, copy_zone(composition, pixels.shape[1], pixels.shape[0]), rng)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Through a JPEG file and back."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.array(image.convert("RGB"))


def crop(pixels: Pixels, part: float, rng: np.random.Generator) -> Pixels:
    """A part of each side cut away, not evenly, and enlarged to the old size."""
    height, width = pixels.shape[:2]
    top, left = rng.uniform(0, part * height), rng.uniform(0, part * width)
    box = (left, top, left + (1 - part) * width, top + (1 - part) * height)
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.array(image)


def shift(pixels: Pixels, part: float, rng: np.random.Generator) -> Pixels:
    """Moved by a part of each side; the border is filled with what was nearest."""
    height, width = pixels.shape[:2]
    dy, dx = (round(float(rng.choice([-1, 1])) * part * side) for side in (height, width))
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return pixels[rows][:, columns]


DEFECTS: Mapping[str, Defect] = {
    "blur": Defect("Gaussian, sigma 0.3 % of the side (3.2 px at 1080)", _blur),
    "soft under grain": Defect("Gaussian, sigma 0.6 % of the side, film grain added again", _soft),
    "block grid": Defect("8 px blocks, each off by 2.5 of 255 (standard deviation)", _blocks),
    "JPEG blocks": Defect("JPEG of quality 10", _jpeg_blocks),
    "noise": Defect("8 of 255 per channel (standard deviation)", _noise),
    "saturation push": Defect("1.6 times the distance from grey", _saturation),
    "banding": Defect("21 tones per channel", _bands),
    "clipping": Defect("the brightest and darkest 30 % burnt and drained", _burnt),
    "colour smudges": Defect("6 spots of 4 % of the side, up to 36 of 255", _smudge),
    "halos": Defect("unsharp mask 150 %, radius 1.2 % of the side", _halo),
}
"""Defects that need nothing but the picture."""

COPIES: Mapping[str, Defect] = {
    "the same, as JPEG": Defect("quality 40", lambda p, rng: jpeg(p, 40)),
    "the same, cropped": Defect("8 % of each side cut away, enlarged", lambda p, rng: crop(p, 0.08, rng)),
    "the same, shifted": Defect("by 4 % of each side", lambda p, rng: shift(p, 0.04, rng)),
}
"""What makes a near-duplicate of a picture."""
