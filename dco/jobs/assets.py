"""Brand files from disk, as the values that composition takes. Untrusted until decoded, re-encoded and bounded."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dco.compose.cutout import cutout
from dco.compose.kit import Kit
from dco.errors import BadPicture
from dco.records import Brand, Campaign
from dco.settings import wrong

MAX_PIXELS = 60_000_000
MAX_BYTES = 64 * 2**20
_FORMATS = ("PNG", "JPEG", "WEBP")
DEFAULT_FONTS = {
    "headline": ("font_manrope", "files/Manrope-ExtraBold.ttf"),
    "body": ("font_manrope", "files/Manrope-Medium.ttf"),
}


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as RGBA pixels, uint8[height, width, 4].

    Raises:
        BadPicture: names the file and what is wrong with it: missing, too large, truncated, or not a PNG, JPEG or WebP.
    """
    return decode_picture(picture_bytes(path), str(path))


def picture_bytes(path: Path) -> bytes:
    """The bytes of a file that should be a picture.

    Raises:
        BadPicture: it is missing or too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadPicture(f"{path}: {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise BadPicture(f"{path}: cannot be read ({error.strerror or error})") from None


def inside(campaign: Campaign, key: str, value: str) -> Path:
    """Where a file that the campaign file names under `key` lies; links are followed, but not out of its folder.

    Raises:
        BadCampaign: there is no such file, or it lies elsewhere; with file, line and key.
    """
    root = Path(campaign.root).resolve()
    try:
        path = (root / value).resolve(strict=True)
    except (OSError, RuntimeError):
        raise wrong(
            campaign, key, f"no file {value!r} in {root}; put it there, or correct the name"
        ) from None
    if not path.is_relative_to(root):
        raise wrong(campaign, key, f"{value!r} is a link out of the campaign's folder; copy the file into it")
    return path


def decode_picture(data: bytes, source: str) -> NDArray[np.uint8]:
    """Bytes of a PNG, JPEG or WebP as RGBA pixels; `source` names them in errors."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise BadPicture(f"{source}: {width} x {height} pixels; at most {MAX_PIXELS:,} are decoded")
            image.load()
            # Cameras lay a picture on its side and say so beside it.
            return np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    except UnidentifiedImageError:
        raise BadPicture(
            f"{source}: expected a PNG, JPEG or WebP picture; the file is something else"
        ) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPicture(f"{source}: a damaged picture ({error})") from None


def read_font(path: Path) -> bytes:
    """Bytes of a TrueType or OpenType font file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadPicture(f"{path}: cannot be read ({error.strerror or error})") from None
    if data[:4] not in (b"\x00\x01\x00\x00", b"OTTO", b"true"):
        raise BadPicture(f"{path}: expected a .ttf or .otf font")
    return data


def fonts(brand: Brand, root: Path) -> tuple[bytes, bytes]:
    """Headline and body font: the brand's own files, else fonts from an installed font package (equal everywhere)."""

    def font(role: str) -> bytes:
        if role in brand.fonts:
            return read_font(root / brand.fonts[role])
        package, file = DEFAULT_FONTS[role]
        return (resources.files(package) / file).read_bytes()

    return font("headline"), font("body")


def kit(campaign: Campaign) -> Kit:
    """Everything the composer needs of a brand, read from the campaign's folder."""
    for role, file in campaign.brand.fonts.items():
        inside(campaign, f"brand.fonts.{role}", file)
    headline, body = fonts(campaign.brand, Path(campaign.root))
    return Kit(
        name=campaign.brand.name,
        product=cutout(read_picture(inside(campaign, "product.photo", campaign.product_photo))).pixels,
        logo=read_picture(inside(campaign, "brand.logo", campaign.brand.logo)),
        colors=campaign.brand.colors,
        headline_font=headline,
        body_font=body,
    )
