from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dco.errors import BadInput
from dco.generate.backend import load_backend
from dco.generate.picture import Failure, Picture
from dco.generate.reference import Reference, pixels_sha256
from dco.generate.request import Request


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)


def test_equal_pixels_are_equal_and_one_key_of_a_dictionary() -> None:
    one, same, other = Reference(noise()), Reference(noise().copy()), Reference(noise(1))
    assert one == same and hash(one) == hash(same) and one != other
    assert len({one, same, other}) == 2
    assert Reference.named(one.sha256) == one
    assert one.size == (6, 4) and Reference.named(one.sha256).size is None


def test_the_shape_is_part_of_the_hash() -> None:
    assert Reference(noise()) != Reference(noise().reshape(6, 4, 3))


def test_the_pixels_cannot_change_after_they_were_hashed() -> None:
    source = noise()
    one = Reference(source)
    source[0, 0] += 1
    assert pixels_sha256(one.pixels) == one.sha256
    with pytest.raises(ValueError, match="read-only"):
        one.pixels[0, 0] = 0
    with pytest.raises(AttributeError, match="frozen"):
        one.sha256 = "0" * 64


def test_a_reference_travels_to_another_process() -> None:
    for one in (Reference(noise()), Reference.named("a" * 64)):
        for twin in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
            assert twin == one and twin.size == one.size


@pytest.mark.parametrize(
    "pixels", [noise() / 255, noise()[:, :, :2], noise()[None], np.zeros((0, 4, 3), np.uint8), noise()[:, :, 0].ravel()]
)  # fmt: skip
def test_what_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(BadInput, match="reference picture"):
        Reference(pixels)


@pytest.mark.parametrize("digest", ["", "A" * 64, "0" * 63, 3])
def test_what_is_no_hash_is_refused(digest: str) -> None:
    with pytest.raises(BadInput, match="64 hex digits"):
        Reference.named(digest)


def test_a_file_is_read_and_its_transparent_parts_are_ground(tmp_path: Path) -> None:
    file, layers = tmp_path / "p.png", np.dstack([noise(), np.full((4, 6), 255, np.uint8)])
    layers[0, 0, 3] = 0
    Image.fromarray(layers).save(file)
    found = Reference.open(file).pixels
    assert (found[1:] == noise()[1:]).all() and (found[0, 0] == 255).all()
    assert Reference.open(file, grey=True).pixels[0, 0] == 0


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("p") / "p.png"
    for body in (content, b"\x89PNG\r\n\x1a\n" + content):
        file.write_bytes(body)
        with pytest.raises(BadInput, match="no readable") as caught:
            Reference.open(file)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.png"):
        Reference.open(tmp_path / "nowhere.png")


@pytest.mark.parametrize("name", ["procedural", "embedded"])
def test_a_backend_that_cannot_use_a_picture_says_so_and_makes_the_others(name: str) -> None:
    plain = Request.of({"scene": "beach", "palette": "blue"}, 40, 30, 1, steps=2)
    photo = Reference(np.zeros((30, 40, 3), np.uint8))
    wanted = [replace(plain, init=photo), plain, replace(plain, adapters=(("brand", 1.0),))]
    first, made, last = load_backend(name).generate(wanted)
    assert isinstance(made, Picture)
    for outcome, field in ((first, "init"), (last, "adapters")):
        assert isinstance(outcome, Failure)
        assert f"request, {field}: " in outcome.reason and "take a diffusers checkpoint" in outcome.reason
