"""A picture inside a request: to start from, to keep, to follow. Frozen, and known by the hash of its content."""

from __future__ import annotations

import os
import re
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadInput

_DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_SIDE = 8192


class Reference:
    """A picture that a request names: uint8[height, width, 3], sRGB, or uint8[height, width] for a mask.

    Two of them are equal when their hashes are. The pixels are copied and read-only, so that the hash stays true. A
    reference read back from a record is known by its hash alone; `pixels` then raises.

    Raises:
        BadInput: another type or shape, or a side beyond 1 .. 8192.
    """

    __slots__ = ("_pixels", "sha256")

    sha256: str
    """Hex SHA-256 of size and pixels."""
    _pixels: NDArray[np.uint8] | None

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        array = np.asarray(pixels)
        colour = array.ndim == 3 and array.shape[-1] == 3
        if array.dtype != np.uint8 or not (colour or array.ndim == 2):
            raise BadInput(
                f"reference picture: expected uint8[height, width, 3] or uint8[height, width], "
                f"got {array.dtype}{list(array.shape)}"
            )
        if not all(1 <= side <= MAX_SIDE for side in array.shape[:2]):
            raise BadInput(
                f"reference picture: {array.shape[1]}x{array.shape[0]} pixels; expected 1 to {MAX_SIDE} a side"
            )
        kept = np.array(array, order="C")
        kept.setflags(write=False)
        self._freeze(kept, pixels_sha256(kept))

    @classmethod
    def named(cls, digest: str) -> Reference:
        """A reference known by its hash only, as a record on disk keeps it."""
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise BadInput(f"reference picture: expected a SHA-256 of 64 hex digits, got {digest!r}")
        self = cls.__new__(cls)
        self._freeze(None, digest)
        return self

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, grey: bool = False) -> Reference:
        """A PNG, JPEG or WebP file; `grey` reads it as a mask. Transparent parts are white, or 0 in a mask.

        Raises:
            BadInput: the file is missing, too large, or no such picture.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(Path(path), formats=["PNG", "JPEG", "WEBP"]) as image:
                    if max(image.size) > MAX_SIDE:
                        raise BadInput(
                            f"{path}: {image.width}x{image.height} pixels; expected at most {MAX_SIDE}"
                        )
                    whole = image.convert("RGBA")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
            raise BadInput(f"{path}: no readable PNG, JPEG or WebP picture ({error})") from error
        ground = Image.new("RGBA", whole.size, (0, 0, 0, 255) if grey else (255, 255, 255, 255))
        flat = Image.alpha_composite(ground, whole)
        return cls(np.asarray(flat.convert("L" if grey else "RGB")))

    def _freeze(self, pixels: NDArray[np.uint8] | None, digest: str) -> None:
        object.__setattr__(self, "_pixels", pixels)
        object.__setattr__(self, "sha256", digest)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Reference is frozen; {name} cannot be set")

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers on other machines get the pixels, and work out the hash themselves.
        return (Reference.named, (self.sha256,)) if self._pixels is None else (Reference, (self._pixels,))

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pixels, read-only.

        Raises:
            BadInput: this reference was read from a record, which keeps the hash only.
        """
        if self._pixels is None:
            raise BadInput(
                f"reference picture {self.sha256[:12]}: a record keeps its hash only; open the file again"
            )
        return self._pixels

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height), or None where only the hash is known."""
        return None if self._pixels is None else (self._pixels.shape[1], self._pixels.shape[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        size = "hash only" if self.size is None else f"{self.size[0]}x{self.size[1]}"
        return f"Reference({self.sha256[:12]}, {size})"


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """Hex SHA-256 of height, width and pixels, so that a reshaped array is another picture."""
    digest = sha256(f"{pixels.shape}{pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
