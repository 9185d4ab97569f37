from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadInput, GenerationFailed, StoreError
from dco.generate import cache as module
from dco.generate.cache import PictureCache
from dco.generate.picture import Picture
from dco.generate.request import Request


def picture(seed: int = 1) -> Picture:
    request = Request.of({"scene": "beach", "palette": "blue"}, 40, 30, seed)
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    return Picture(request, request.key("m"), pixels, 0.25)


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    cache, one = PictureCache(tmp_path), picture()
    assert not cache.has(one.key)
    assert cache.get(one.key) is None
    path = cache.put(one)
    found = cache.get(one.key)
    assert found is not None and cache.has(one.key)
    assert (found.pixels == one.pixels).all()
    assert (found.request, found.key, found.seconds, found.cached) == (one.request, one.key, 0.25, True)
    assert path == cache.path(one.key)


def test_two_caches_on_one_folder_see_the_same(tmp_path: Path) -> None:
    PictureCache(tmp_path).put(picture())
    PictureCache(tmp_path).put(picture())
    assert PictureCache(tmp_path).has(picture().key)


@given(st.data())
def test_any_flipped_byte_or_cut_makes_a_picture_absent_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cache, one = PictureCache(tmp_path_factory.mktemp("cache")), picture()
    png = cache.put(one)
    victim = data.draw(st.sampled_from([png, png.with_suffix(".json")]))
    content = bytearray(victim.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    victim.write_bytes(content)
    found = cache.get(one.key)
    # PNG has bytes that mean nothing to the pixels; what is returned must be what was kept, or nothing.
    assert found is None or ((found.pixels == one.pixels).all() and found.request == one.request)
    cache.put(one)
    assert cache.has(one.key)


def test_pixels_of_another_picture_are_not_taken(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    first, second = cache.put(picture(1)), cache.put(picture(2))
    first.write_bytes(second.read_bytes())
    assert not cache.has(picture(1).key)
    assert cache.has(picture(2).key)


def test_a_record_under_another_key_is_not_taken(tmp_path: Path) -> None:
    cache, one, other = PictureCache(tmp_path), picture(1), picture(2)
    source, target = cache.put(one), cache.path(other.key)
    target.parent.mkdir(exist_ok=True)
    for suffix in (".png", ".json"):
        target.with_suffix(suffix).write_bytes(source.with_suffix(suffix).read_bytes())
    assert cache.get(other.key) is None


@pytest.mark.parametrize("fault", ["black", "flat", "wrong size"])
def test_a_failed_picture_is_never_kept(tmp_path: Path, fault: str) -> None:
    one = picture()
    pixels = {
        "black": np.zeros_like(one.pixels),
        "flat": np.full_like(one.pixels, 90),
        "wrong size": one.pixels[:10],
    }[fault]
    with pytest.raises(GenerationFailed, match=fault):
        PictureCache(tmp_path).put(replace(one, pixels=pixels))
    assert not list(tmp_path.iterdir())


def test_floats_are_not_kept(tmp_path: Path) -> None:
    with pytest.raises(GenerationFailed, match="uint8"):
        PictureCache(tmp_path).put(replace(picture(), pixels=picture().pixels / 255))


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_a_key_that_is_no_key_reaches_no_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadInput, match="64 hex digits"):
        PictureCache(tmp_path).get(key)


def test_a_write_that_fails_leaves_nothing_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up at the n-th fsync: no temporary file stays, and the picture counts as absent."""
    real, one, cache = os.fsync, picture(), PictureCache(tmp_path)
    for n in range(4):
        calls = iter(range(10))

        def full(handle: int, n: int = n, calls: object = calls) -> None:
            if next(calls) == n:  # type: ignore[call-overload]
                raise OSError(28, "No space left on device")
            real(handle)

        monkeypatch.setattr(module.os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            cache.put(one)
        assert not list(tmp_path.rglob(".tmp-*"))
        assert cache.has(one.key) == (n == 3)
    monkeypatch.setattr(module.os, "fsync", real)
    cache.put(one)
    assert cache.has(one.key)


def test_a_file_in_the_place_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StoreError):
        PictureCache(file).put(picture())
    assert PictureCache(file).get(picture().key) is None
    assert stat.S_ISREG(file.stat().st_mode)
