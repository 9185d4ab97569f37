"""The brand's own pictures and what each shows, from a folder; what cannot be used is refused by name."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadInput

KINDS = (".png", ".jpg", ".jpeg", ".webp")
CAPTIONS = "captions.csv"
FEWEST, MOST = 3, 2000
LARGEST = 100_000_000
"""Pixels of one picture; more is taken for a decompression bomb."""


@dataclass(frozen=True, eq=False)
class Example:
    """A picture, uint8[height, width, 3], what it shows in words, and the hash of its file."""

    name: str
    pixels: NDArray[np.uint8]
    caption: str
    sha256: str


def read_examples(folder: Path, side: int, words: str = "") -> list[Example]:
    """All pictures of a folder, by name.

    Captions come from captions.csv (columns file, caption), else from a text file of the picture's name, else from
    `words`.

    Args:
        side: the shortest side in pixels that a picture must have; a smaller one would teach its own blur.

    Raises:
        BadInput: names the file and what is wrong with it, or says how many pictures are needed.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; expected the brand's own pictures ({', '.join(KINDS)})")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in KINDS)
    if not FEWEST <= len(files) <= MOST:
        raise BadInput(f"{folder}: {len(files)} pictures; expected {FEWEST} to {MOST} ({', '.join(KINDS)})")
    table = _captions(folder / CAPTIONS, {p.name for p in files})
    return [_read(path, side, table.get(path.name) or _beside(path) or words) for path in files]


def _read(path: Path, side: int, caption: str) -> Example:
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        raise BadInput(f"{path}: a link that leads out of the folder; put the picture itself there")
    if not caption:
        raise BadInput(
            f"{path}: no caption; write {CAPTIONS} (file, caption), {path.stem}.txt, or say --words for all pictures"
        )
    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > LARGEST:
                raise BadInput(f"{path}: {image.width}x{image.height} pixels; expected at most {LARGEST:,}")
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path}: cannot be read as a picture ({error}); take it out of the folder") from None
    if min(pixels.shape[:2]) < side:
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise BadInput(f"{path}: {size} pixels; this model learns from {side} px and more a side")
    return Example(path.name, pixels, caption, hashlib.sha256(path.read_bytes()).hexdigest())


def _captions(path: Path, pictures: set[str]) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as CSV in UTF-8 ({error})") from None
    for line, row in enumerate(rows, start=2):
        if not {"file", "caption"} <= row.keys():
            raise BadInput(f"{path}, line {line}: expected the columns file and caption")
        if row["file"] not in pictures:
            raise BadInput(f"{path}, line {line}: names {row['file']!r}, which is no picture of the folder")
    return {row["file"]: (row["caption"] or "").strip() for row in rows}


def _beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    try:
        return " ".join(text.read_text(encoding="utf-8").split()) if text.exists() else ""
    except UnicodeDecodeError:
        raise BadInput(f"{text}: cannot be read as UTF-8 text") from None
