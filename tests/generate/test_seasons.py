"""What seasons add: their own things, on the product's side, the same at every size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dco.generate.paint.canvas import Stage, colour
from dco.generate.paint.render import render
from dco.generate.paint.seasons import season as season_of
from dco.generate.vocabulary import PALETTES, Look

SEASONS = ("spring", "summer", "autumn", "winter")
GREY = np.array([0.3, 0.59, 0.11])


@pytest.fixture(params=SEASONS)
def season(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def painted(season: str, size: tuple[int, int] = (160, 160), seed: int = 1, **words: str) -> np.ndarray:
    look = Look(**({"scene": "studio podium", "palette": "blue", "season": season} | words))
    return render(look, *size, seed, grain=False)


def added(season_word: str, seed: int, side: str) -> np.ndarray:
    """What a season paints on plain grey beyond its wash of light: the fine part alone."""
    colours = np.stack([colour(c) for c in PALETTES["blue"]])
    s = Stage(160, 160, colours=colours, light="soft light", copy_side=side, seed=(seed,), season=season_word)
    picture = np.full((3, 160, 160), 0.5, np.float32)
    season_of(s.fork("season"), picture)
    grey = picture.mean(0)
    return np.abs(grey - gaussian_filter(grey, 12))


def test_most_of_what_a_season_adds_is_on_the_products_side(season: str) -> None:
    for seed in range(5):
        left, right = (added(season, seed, side) for side in ("left", "right"))
        # The outermost tenth is left out: winter's rime frames the picture all round.
        assert left[16:-16, 80:-16].mean() > 1.5 * left[16:-16, 16:64].mean()
        assert right[16:-16, 16:80].mean() > 1.5 * right[16:-16, 96:-16].mean()


def test_a_season_is_visible_in_every_seed(season: str) -> None:
    assert min(added(season, seed, "left").max() for seed in range(6)) > 0.08


def test_seasons_add_different_things() -> None:
    pictures = [painted(season, seed=3) for season in SEASONS]
    gaps = [np.abs(a - b).mean() for k, a in enumerate(pictures) for b in pictures[:k]]
    assert min(gaps) > 0.015


def test_each_season_has_its_colour_of_light() -> None:
    """Red against blue over the whole picture, without the things: winter is coolest, autumn warmest."""
    warmth = {
        s: float((p[:, :, 0] - p[:, :, 2]).mean()) for s in SEASONS for p in [painted(s, palette="white")]
    }
    assert min(warmth, key=warmth.__getitem__) == "winter"
    assert max(warmth, key=warmth.__getitem__) == "autumn"


def test_spring_brings_pink_and_summer_green_to_the_outer_top_corner() -> None:
    corner = {
        s: painted(s, seed=2)[:60, 100:] - painted("none", seed=2)[:60, 100:] for s in ("spring", "summer")
    }
    excess = {s: c[:, :, 0] - c[:, :, 1] for s, c in corner.items()}  # red over green, as changed
    assert excess["spring"].max() > 0.2
    assert excess["summer"].min() < -0.02
    assert np.quantile(excess["spring"], 0.95) > np.quantile(excess["summer"], 0.95) + 0.05


def test_a_season_is_the_same_picture_at_every_size(season: str) -> None:
    small = painted(season, (96, 96)).mean(2)
    large = painted(season, (384, 384)).reshape(96, 4, 96, 4, 3).mean((1, 3, 4))
    assert np.corrcoef(gaussian_filter(small, 2).ravel(), gaussian_filter(large, 2).ravel())[0, 1] > 0.96


@pytest.mark.parametrize("size", [(120, 600), (728, 90), (16, 16), (8, 200)])
def test_a_season_fits_any_shape_of_picture(season: str, size: tuple[int, int]) -> None:
    picture = painted(season, size, light="night")
    assert picture.shape == (size[1], size[0], 3)
    assert np.isfinite(picture).all() and picture.std() > 0.005


def test_a_season_does_not_move_the_scene(season: str) -> None:
    """Where nothing was added, light edges of the podium stay: row and column profiles still correlate."""
    plain, with_season = (painted(s, scene="city skyline", seed=4) @ GREY for s in ("none", season))
    middle = (slice(60, 140), slice(10, 70))
    assert np.corrcoef(plain[middle].ravel(), with_season[middle].ravel())[0, 1] > 0.9
