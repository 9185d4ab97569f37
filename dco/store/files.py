"""Content-addressed files: what is stored is found by its hash, and is whole or not there.

A file is written beside its place, flushed to the disk, then renamed into it, and its folder is flushed too: after a
crash or a full disk there is either the whole file under its name or nothing. Every path is made by `Files.path`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dco.errors import BadData, StoreError

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?")


class Files:
    """The file half of a workspace: `folder/kind/ab/abcd...suffix`."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, kind: str, sha: str, suffix: str) -> Path:
        """Where the file of that hash lies (it need not exist).

        Raises:
            BadData: kind, hash or suffix could name anything but one file inside the store.
        """
        for what, value, pattern in (
            ("kind", kind, _KIND),
            ("sha256", sha, _SHA256),
            ("suffix", suffix, _SUFFIX),
        ):
            if not pattern.fullmatch(value):
                raise BadData(
                    f"file {what} {value[:80]!r} is not of the form {pattern.pattern}; ids are never paths"
                )
        return self.folder / kind / sha[:2] / f"{sha}{suffix}"

    def put(self, kind: str, data: bytes, suffix: str) -> str:
        """Store bytes, return their SHA-256 in hex. Storing the same bytes again changes nothing.

        Raises:
            StoreError: the disk refused (full, read-only); nothing is left behind.
        """
        sha = hashlib.sha256(data).hexdigest()
        path = self.path(kind, sha, suffix)
        try:
            if not (path.exists() and _hash(path) == sha):
                _write_whole(path, data)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}); nothing was stored, free space and run again"
            ) from error
        return sha

    def put_as(self, kind: str, name: str, data: bytes, suffix: str) -> Path:
        """Store bytes under a hash of what they mean (a picture's pixels, not its encoding), which the caller checks on reading.

        Raises:
            BadData: `name` is not 64 hex digits. StoreError: the disk refused; nothing is left behind.
        """
        path = self.path(kind, name, suffix)
        try:
            _write_whole(path, data)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}); nothing was stored, free space and run again"
            ) from error
        return path

    def has(self, kind: str, sha: str, suffix: str) -> bool:
        """True when a file of that name is there; `read` proves that it is also whole."""
        return self.path(kind, sha, suffix).is_file()

    def read(self, kind: str, sha: str, suffix: str) -> bytes:
        """The bytes, verified against their hash.

        Raises:
            StoreError: missing, unreadable, or no longer what was stored.
        """
        path = self.path(kind, sha, suffix)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be read ({error.strerror}); restore it from a backup or make it again"
            ) from error
        if hashlib.sha256(data).hexdigest() != sha:
            raise StoreError(
                f"{path}: its bytes are not those stored under this hash; restore it from a backup"
            )
        return data

    def listing(self, kind: str) -> Iterator[tuple[str, str]]:
        """(sha256, suffix) of every file of a kind, in the order of their hashes."""
        root = self.path(kind, "0" * 64, "").parent.parent
        for path in sorted(root.glob("[0-9a-f][0-9a-f]/*")):
            sha, dot, suffix = path.name.partition(".")
            if _SHA256.fullmatch(sha):
                yield sha, dot + suffix


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Create missing folders and flush each parent, so that a new folder survives a power cut as well."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
