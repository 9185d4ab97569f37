"""Files are found by their hash, are whole or not there, and an id is never a path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.errors import BadData, StoreError
from dco.store.files import Files

from .examples import sha


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_bytes_come_back_by_their_hash(tmp_path: Path) -> None:
    files = Files(tmp_path)
    key = files.put("rasters", b"pixels", ".png")
    assert key == sha("pixels")
    assert files.read("rasters", key, ".png") == b"pixels"
    assert files.path("rasters", key, ".png") == tmp_path / "rasters" / key[:2] / f"{key}.png"
    assert files.has("rasters", key, ".png") and not files.has("rasters", key, ".jpg")
    assert list(files.listing("rasters")) == [(key, ".png")]
    assert list(files.listing("other")) == []


def test_storing_twice_keeps_one_file_and_its_time(tmp_path: Path) -> None:
    files = Files(tmp_path)
    path = files.path("x", files.put("x", b"a", ""), "")
    os.utime(path, (1, 1))
    files.put("x", b"a", "")
    assert path.stat().st_mtime == 1 and everything(tmp_path) == [path]


def test_a_damaged_file_is_refused_and_mended_by_storing_again(tmp_path: Path) -> None:
    files = Files(tmp_path)
    key = files.put("x", b"whole", ".bin")
    files.path("x", key, ".bin").write_bytes(b"whol")
    with pytest.raises(StoreError, match="not those stored"):
        files.read("x", key, ".bin")
    files.put("x", b"whole", ".bin")
    assert files.read("x", key, ".bin") == b"whole"


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        Files(tmp_path).read("x", sha("nothing"), ".png")


@pytest.mark.parametrize(
    ("kind", "key", "suffix"),
    [
        ("..", sha("a"), ".png"),
        ("/etc", sha("a"), ""),
        ("x", "../../../etc/passwd", ""),
        ("x", sha("a").upper(), ""),
        ("x", sha("a")[:-1], ""),
        ("x", sha("a") + "\n", ""),
        ("x", "..%2f" + sha("a"), ""),
        ("x", sha("a"), "/../../y"),
        ("x", sha("a"), ".png/x"),
        ("x", sha("a"), ".\x00"),
        ("", sha("a"), ""),
    ],
)
def test_hostile_ids_never_become_paths(tmp_path: Path, kind: str, key: str, suffix: str) -> None:
    with pytest.raises(BadData, match="ids are never paths"):
        Files(tmp_path).path(kind, key, suffix)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=12))
def test_any_text_is_refused_or_stays_inside(kind: str, key: str, suffix: str) -> None:
    folder = Path("/store/files")
    try:
        path = Files(folder).path(kind, key, suffix)
    except BadData:
        return
    assert Path(os.path.normpath(path)).is_relative_to(folder)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A child process with a limit on file sizes, which a write meets as it meets a full disk."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from dco.errors import StoreError;"
        "from dco.store.files import Files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: Files(Path(sys.argv[1])).put('x', b'a' * 5000, '.png')\n"
        "except StoreError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "nothing was stored" in said.stdout
    assert everything(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        Files(tmp_path).put("x", b"a", "")
