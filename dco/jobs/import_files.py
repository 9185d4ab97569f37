"""A folder of pictures made elsewhere, read with care: what may be imported, under which licence, with which notes.

Nothing in the folder is trusted. Links are not followed, sizes are bounded before anything is decoded, and one bad file
costs itself only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dco.errors import BadInput, BadPicture, Refused
from dco.generate.models.licence import commercial_use
from dco.generate.provenance import Provenance, plain, read

MAX_FILES = 500
MAX_PIXELS = 60_000_000
MAX_BYTES = 64 * 2**20
MAX_TEXT = 2**20
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENSE.json", "LICENCE", "LICENCE.txt", "LICENCE.md")
_ID = r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}"
_LICENCE = re.compile(rf"{_ID}(?: (?:AND|OR|WITH) {_ID}){{0,4}}")
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True, eq=False)
class Found:
    """A picture that can be used. `pixels` is uint8[height, width, 3], sRGB, upright."""

    name: str
    sha256: str
    pixels: NDArray[np.uint8] = field(repr=False)
    data: bytes = field(repr=False)
    origin: Provenance


@dataclass(frozen=True)
class Licence:
    """What allows the pictures' use: an id, who or what says so, and the hash of the text where there is one."""

    id: str
    stated_by: str
    sha256: str = ""
    text: bytes = field(default=b"", repr=False)


def licence(folder: Path, stated: str) -> Licence:
    """The licence given by name, or the one the folder's LICENSE file states.

    Raises:
        Refused: neither is there. BadInput: the name has not the form of a licence id.
    """
    if stated.strip():
        if not _LICENCE.fullmatch(stated.strip()):
            raise BadInput(
                f"--license: expected an SPDX id such as CC-BY-4.0, or LicenseRef- and a name, got {plain(stated)[:80]!r}"
            )
        return Licence(stated.strip(), "--license")
    for name in LICENCES:
        if os.path.lexists(folder / name):
            return _licence_file(folder / name)
    raise Refused(
        f"{folder}: nothing says under which licence these pictures may be used; put a LICENSE file beside them, or say "
        "--license CC-BY-4.0 (for a tool's own terms for example --license LicenseRef-Midjourney-Terms)"
    )


def commercial(licence_id: str) -> str:
    """'yes', 'no' or 'unknown': whether a licence lets its pictures be used in ads, as far as its id alone tells. An ad crops
    a picture and writes on it, which no-derivatives forbids.

    >>> commercial("CC-BY-4.0"), commercial("CC-BY-ND-4.0"), commercial("LicenseRef-Midjourney-Terms")
    ('yes', 'no', 'unknown')
    """
    return commercial_use(licence_id, "no" if re.search(r"(?i)-ND(-|$)", licence_id) else "")


def _licence_file(path: Path) -> Licence:
    data = contained(path, MAX_TEXT)
    try:
        text = data.decode("utf-8-sig")
        if path.suffix == ".json":
            said = json.loads(text)
            text = f"SPDX-License-Identifier: {said['license']}" if isinstance(said, dict) else ""
    except (ValueError, KeyError, RecursionError):
        raise BadInput(f"{path}: expected UTF-8 text, in a .json file with the key 'license'") from None
    if match := re.search(r"SPDX-License-Identifier:[ \t]*([^\r\n]+)", text):
        found = match.group(1).strip()
        if not _LICENCE.fullmatch(found):
            raise BadInput(f"{path}: expected an SPDX id such as CC-BY-4.0, got {plain(found)[:80]!r}")
    else:
        title = next((plain(line)[:60] for line in text.splitlines() if line.strip(" #=-")), "")
        if not title:
            raise BadInput(f"{path}: is empty; expected the text or the SPDX id of a licence")
        found = "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-") or "file")
    return Licence(found, path.name, hashlib.sha256(data).hexdigest(), data)


def pictures(folder: Path) -> tuple[list[Path], list[str]]:
    """Picture files of a folder by name, and a line for everything else that somebody may have meant to be one.

    Raises:
        BadInput: no folder, no picture in it, or too many.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: is no folder; expected one with PNG, JPEG or WebP pictures")
    files, others = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in LICENCES or path.stem == "attributes":
            continue
        name = plain(path.name)
        if path.suffix.lower() in SUFFIXES:
            files.append(path)
        elif path.is_dir() and not path.is_symlink():
            others.append(f"{name}: a folder inside the folder is not looked into; import it by itself")
        else:
            others.append(f"{name}: no PNG, JPEG or WebP by its name")
    if not files:
        raise BadInput(f"{folder}: holds no PNG, JPEG or WebP picture")
    if len(files) > MAX_FILES:
        raise BadInput(f"{folder}: {len(files):,} pictures; at most {MAX_FILES} are imported at once")
    return files, others


def contained(path: Path, most: int) -> bytes:
    """The bytes of a regular file that is no link. The check and the reading use one open file, so nothing can be swapped.

    Raises:
        BadPicture: a link, a device, too large, or unreadable.
    """
    name = plain(path.name)
    if path.is_symlink():
        raise BadPicture(f"{name}: is a link; copy the file itself into the folder")
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        opened = os.open(path, flags)
        try:
            kind = os.fstat(opened)
            if not stat.S_ISREG(kind.st_mode):
                raise BadPicture(f"{name}: is no regular file")
            if kind.st_size > most:
                raise BadPicture(f"{name}: {kind.st_size:,} bytes; at most {most:,} are read")
            with os.fdopen(opened, "rb", closefd=False) as file:
                return file.read(most)
        finally:
            os.close(opened)
    except OSError as error:
        raise BadPicture(f"{name}: cannot be read ({error.strerror or error})") from None


def open_picture(path: Path) -> Found:
    """Read, check and decode one picture file.

    Raises:
        BadPicture: one line that names the file and what is wrong with it.
    """
    name, data = plain(path.name), contained(path, MAX_BYTES)
    try:
        with warnings.catch_warnings():
            # A bomb is a warning to the library; any other warning is about metadata and says nothing to a user.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
                _check(image, path)
                image.load()
                origin = read(image, data, name)
                pixels, notes = _upright_srgb(image)
    except UnidentifiedImageError:
        raise BadPicture(f"{name}: its content is no PNG, JPEG or WebP picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(f"{name}: too many pixels; at most {MAX_PIXELS:,} are decoded") from None
    except BadPicture as error:
        raise BadPicture(f"{name}: {error}") from None
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError) as error:
        raise BadPicture(f"{name}: a damaged picture ({plain(str(error))[:120]})") from None
    origin = replace(origin, notes=(*origin.notes, *notes))
    return Found(name, hashlib.sha256(data).hexdigest(), pixels, data, origin)


def _check(image: Image.Image, path: Path) -> None:
    wanted, kind = SUFFIXES[path.suffix.lower()], str(image.format)
    if getattr(image, "n_frames", 1) != 1 or kind == "MPO":
        raise BadPicture("holds several pictures; export one of them")
    if kind != wanted:
        raise BadPicture(f"its content is {kind}, not {wanted}; give it the right ending")
    if image.width * image.height > MAX_PIXELS:
        raise BadPicture(f"{image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are decoded")
    if image.mode not in _MODES:
        raise BadPicture(f"pixels of type {image.mode!r} are not read; save it as 8-bit RGB")


def _upright_srgb(image: Image.Image) -> tuple[NDArray[np.uint8], list[str]]:
    notes: list[str] = []
    if image.has_transparency_data and np.asarray(image.convert("RGBA").getchannel("A")).min() < 255:
        raise BadPicture("is transparent in places; a backdrop fills its frame")
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if profile and upright.mode in ("L", "RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            upright = ImageCms.profileToProfile(upright, source, srgb, outputMode="RGB") or upright
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("its colour profile cannot be read, its colours are taken as sRGB")
    return np.array(upright.convert("RGB")), notes
