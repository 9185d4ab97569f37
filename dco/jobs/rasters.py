"""Composed ads on disk: PNG files named by the hash of their pixels, and the JPEG that leaves the house."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dco.compose.encode import encode
from dco.compose.sizes import ad_size
from dco.errors import StoreError
from dco.jobs.create import raster_hash
from dco.store.files import Files

KIND = "rasters"
EXPORTS = "exports"


def save(files: Files, raster: NDArray[np.uint8]) -> str:
    """Keep an ad's pixels; returns the hash it is found by."""
    name = raster_hash(raster)
    if not files.has(KIND, name, ".png"):
        png = io.BytesIO()
        Image.fromarray(raster).save(png, "PNG", compress_level=3)
        files.put_as(KIND, name, png.getvalue(), ".png")
    return name


def load(files: Files, name: str) -> NDArray[np.uint8]:
    """The pixels of a hash, verified.

    Raises:
        StoreError: missing, damaged, or not the pixels that were approved.
    """
    path = files.path(KIND, name, ".png")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            raster = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise StoreError(
            f"{path}: an ad's pixels cannot be read ({error}); make the creative again"
        ) from None
    if raster_hash(raster) != name:
        raise StoreError(f"{path}: these are not the pixels that were stored; the ad is not served")
    return raster


def save_export(files: Files, name: str, data: bytes) -> None:
    """Keep the JPEG of an ad beside its pixels: it is uploaded and shown many times and need be made once."""
    files.put_as(EXPORTS, name, data, ".jpg")


def jpeg(files: Files, name: str, size: str) -> bytes:
    """The ad as it is uploaded, within the file weight of its size; made again where its file is gone."""
    path = files.path(EXPORTS, name, ".jpg")
    if path.is_file():
        return path.read_bytes()
    return encode(load(files, name), ad_size(size).max_bytes)[0]


def thumb(files: Files, name: str, width: int = 320) -> bytes:
    """A small JPEG for pages and reports; made once, because every night's report shows every creative."""
    path = files.path(f"thumbs-{width}", name, ".jpg")
    if path.is_file():
        return path.read_bytes()
    image = Image.fromarray(load(files, name))
    image.thumbnail((width, width), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=82)
    files.put_as(f"thumbs-{width}", name, data.getvalue(), ".jpg")
    return data.getvalue()
