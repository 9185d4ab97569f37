"""What every scene keeps, whichever file it comes from."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from dco import registry
from dco.generate.paint.canvas import Scene
from dco.generate.paint.render import render
from dco.generate.vocabulary import COMPOSITIONS, LIGHTS, PALETTES, Look

SCENES = registry.names("scenes")
SIZES = [(128, 128), (300, 250), (120, 600), (728, 90)]


def look(name: str, **words: str) -> Look:
    return Look(**({"scene": name.replace("_", " "), "palette": "blue"} | words))


@pytest.fixture(params=SCENES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_are_at_least_ten_scenes() -> None:
    assert len(SCENES) >= 10


def test_words_start_with_the_file_name(name: str) -> None:
    scene = registry.load("scenes", name)
    assert isinstance(scene, Scene)
    assert scene.words[0] == name.replace("_", " ")
    assert len(scene.words) >= 2
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", words) for words in scene.words)


def test_synonyms_belong_to_one_scene_only(name: str) -> None:
    others = {w for n in SCENES if n != name for w in registry.load("scenes", n).words}
    assert not others & set(registry.load("scenes", name).words)


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_is_finite_within_range_and_not_flat(name: str, size: tuple[int, int]) -> None:
    picture = render(look(name), *size, seed=4)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.float32
    assert picture.flags.c_contiguous
    assert np.isfinite(picture).all()
    assert picture.min() >= 0 and picture.max() <= 1
    assert picture.std() > 0.01


def test_same_seed_same_picture_and_other_seed_another(name: str) -> None:
    first, again, other = (render(look(name), 96, 96, seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_every_light_and_composition_can_be_painted(name: str, light: str, composition: str) -> None:
    for palette in ("white", "black"):
        picture = render(look(name, palette=palette, light=light, composition=composition), 64, 64, 1)
        assert np.isfinite(picture).all()


def test_resolution_does_not_change_the_layout(name: str) -> None:
    """A large picture made small looks like the small picture: blurred alike, they correlate."""
    small = render(look(name), 96, 96, 3, grain=False)
    large = render(look(name), 384, 384, 3, grain=False).reshape(96, 4, 96, 4, 3).mean((1, 3))
    a, b = (gaussian_filter(p.mean(2), 2) for p in (small, large))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_a_wider_picture_of_the_same_seed_keeps_its_tones(name: str) -> None:
    square = render(look(name), 128, 128, 3, grain=False)
    wide = render(look(name), 160, 128, 3, grain=False)
    squeezed = zoom(wide, (1, 128 / 160, 1), order=1)
    assert np.abs(square.mean((0, 1)) - squeezed.mean((0, 1))).max() < 0.06


def test_palettes_differ_in_colour(name: str) -> None:
    means = [render(look(name, palette=p), 64, 64, 2, grain=False).mean((0, 1)) for p in PALETTES]
    gaps = [np.abs(a - b).max() for k, a in enumerate(means) for b in means[:k]]
    assert min(gaps) > 0.008


def test_night_is_darker_than_soft_light(name: str) -> None:
    soft, night = (render(look(name, light=li), 64, 64, 2).mean() for li in ("soft light", "night"))
    assert night < soft
