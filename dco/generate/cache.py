"""Pictures kept by content: one PNG and one record per key, written whole or not at all, checked on every read."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from PIL import Image

from dco.errors import BadInput, GenerationFailed, StoreError
from dco.generate.picture import Picture
from dco.generate.quality.likeness import GRID, Thumb, thumb
from dco.generate.reference import pixels_sha256
from dco.generate.request import ENGINE, Request
from dco.generate.soundness import inspect
from dco.records import content_hash

_KEY = re.compile(r"[0-9a-f]{64}")


class PictureCache:
    """A folder of finished pictures by key. Several processes may use it at once.

    `xx/<key>.png` holds the pixels; `xx/<key>.json` holds request, seconds, and the SHA-256 of the pixels. The record
    is written last and is what makes a picture present; one that does not agree with its pixels counts as absent.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Where the PNG of a key lies, present or not."""
        if not _KEY.fullmatch(key):
            raise BadInput(f"picture cache: expected a key of 64 hex digits, got {key!r}")
        return self.folder / key[:2] / f"{key}.png"

    def has(self, key: str) -> bool:
        """True when `get` would return the picture: it is read and checked."""
        return self.get(key) is not None

    def get(self, key: str) -> Picture | None:
        """The picture, or None when it is absent, truncated or altered."""
        path = self.path(key)
        try:
            body = _body(path.with_suffix(".json").read_bytes())
            if body["key"] != key:
                return None
            with Image.open(io.BytesIO(path.read_bytes()), formats=["PNG"]) as image:
                pixels = np.array(image.convert("RGB"))
            if pixels_sha256(pixels) != body["sha256"]:
                return None
            spent = {name: body[name] for name in ("micros", "currency", "watt_hours") if name in body}
            return Picture(
                Request.from_dict(body["request"]),
                key,
                pixels,
                float(body["seconds"]),
                cached=True,
                quality=body.get("quality", {}),
                **spent,
            )
        except FileNotFoundError:
            return None
        except (
            ValueError,
            KeyError,
            TypeError,
            SyntaxError,
            OSError,
            BadInput,
            Image.DecompressionBombError,
        ):
            # Whatever a torn or altered file makes a reader say: the picture is not there, and is made again.
            return None

    def quality(self, key: str) -> dict[str, float]:
        """What the gates measured on a picture; empty when it is absent or was kept without."""
        return dict((self._record(key) or {}).get("quality", {}))

    def thumb(self, key: str) -> tuple[tuple[int, int], Thumb] | None:
        """Size in pixels (width, height) and thumbnail for `likeness`, without reading the picture; None when it is absent or
        was kept without."""
        record = self._record(key) or {}
        data = base64.b64decode(record.get("thumb", ""))
        if len(data) != 3 * GRID**2:
            return None
        asked = record["request"]
        return (asked["width"], asked["height"]), np.frombuffer(data, np.uint8).reshape(GRID, GRID, 3)

    def _record(self, key: str) -> dict[str, Any] | None:
        try:
            return _body(self.path(key).with_suffix(".json").read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, picture: Picture) -> Path:
        """Keep a picture and return the path of its PNG.

        Raises:
            GenerationFailed: the picture does not pass the gates; a failed variant is never kept.
            StoreError: the folder cannot be written; nothing half-written stays.
        """
        path, wanted = self.path(picture.key), picture.request
        if picture.pixels.dtype != np.uint8:
            raise GenerationFailed(
                f"picture {picture.key[:12]}: expected uint8 pixels, got {picture.pixels.dtype}"
            )
        if reason := inspect(picture.pixels, (wanted.width, wanted.height)):
            raise GenerationFailed(f"picture {picture.key[:12]} is not kept: {reason}")
        png = io.BytesIO()
        # Grain does not compress; the fastest level takes a fifth of the default's time and 12 % more room.
        Image.fromarray(picture.pixels).save(png, "PNG", compress_level=1)
        body = {
            "key": picture.key,
            "request": wanted.as_dict(),
            "engine": ENGINE,
            "seconds": round(picture.seconds, 4),
            "watt_hours": picture.watt_hours,
            "micros": picture.micros,
            "currency": picture.currency,
            "sha256": picture.sha256,
            "quality": dict(picture.quality),
            "thumb": base64.b64encode(thumb(picture.pixels).tobytes()).decode(),
        }
        record = json.dumps({"body": body, "check": content_hash(body, length=64)}, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, png.getvalue())
            _write(path.with_suffix(".json"), record.encode())
        except OSError as error:
            raise StoreError(
                f"{path.parent}: cannot write a picture ({error.strerror or error}); "
                "free space and run again, what was finished is kept"
            ) from error
        return path


def _body(data: bytes) -> dict[str, Any]:
    record = json.loads(data)
    body: dict[str, Any] = record["body"]
    if content_hash(body, length=64) != record["check"]:
        raise ValueError("the record does not agree with its own hash")
    return body


def _write(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder: after a crash the old file or the new one is there."""
    temporary = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=".tmp-", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
