"""The disk fills up while pictures are made: one clear error, and what was finished stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dco.errors import StoreError
from dco.generate.backend import load_backend
from dco.generate.cache import PictureCache
from dco.generate.request import Request
from dco.generate.studio import make


@pytest.mark.parametrize("full_after", [0, 1, 3, 4, 9])
def test_a_full_disk_is_one_error_and_finished_variants_are_kept(
    full_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [Request.of({"scene": "beach", "palette": "blue"}, 40, 30, seed) for seed in range(4)]
    backend, cache, sync, calls = load_backend("procedural"), PictureCache(tmp_path), os.fsync, 0

    def fill(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > full_after:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StoreError, match=r"cannot write a picture \(No space left on device\)") as caught:
        make(wanted, backend, cache)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(os, "fsync", sync)
    keys = [one.key(backend.model_id) for one in wanted]
    kept = [cache.has(key) for key in keys]
    # Four syncs a picture: each of its two files, and the folder after it. The third puts its record in place.
    assert sum(kept) == (full_after + 1) // 4
    assert kept == sorted(kept, reverse=True)
    assert not list(tmp_path.rglob(".tmp-*"))
    again = make(wanted, backend, cache)
    assert [o.cached for o in again] == kept  # type: ignore[union-attr]
