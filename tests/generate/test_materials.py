"""Surfaces: perspective, noise that fades with distance, materials that can be told apart, ledges."""

from __future__ import annotations

import numpy as np
import pytest

from dco.generate.paint import planes
from dco.generate.paint.canvas import Stage, Window, colour
from dco.generate.paint.materials import MATERIALS, flat, ledge, level, polish, surface, texture
from dco.generate.paint.render import render
from dco.generate.vocabulary import MATERIALS as WORDS
from dco.generate.vocabulary import PALETTES, Look

ASKED = tuple(word for word in WORDS if word != "none")


def stage(
    width: int = 128, height: int = 128, seed: int = 1, palette: str = "blue", material: str = "none"
) -> Stage:
    colours = np.stack([colour(c) for c in PALETTES[palette]])
    return Stage(
        width,
        height,
        colours=colours,
        light="soft light",
        copy_side="left",
        seed=(seed,),
        material=material,
    )


def test_every_material_of_the_vocabulary_can_be_painted() -> None:
    assert set(ASKED) <= set(MATERIALS)
    for material in MATERIALS:
        s = stage(70, 50)
        top = surface(s, material, level(s, -0.2))
        assert top.shape == (3, 50, 70)
        assert np.isfinite(top).all() and top.min() >= 0


def test_a_level_plane_is_seen_in_perspective() -> None:
    s = stage(400, 400)
    p = level(s, -0.2, 0.9)
    rows = np.flatnonzero(s.y[:, 0] > -0.2)
    near, far = rows[-1], rows[0]
    # By similar triangles: a width shrinks, and a depth with its square, in proportion to the height below the horizon.
    horizon = -0.2 - 0.35 * 0.9
    ratio = (s.y[near, 0] - horizon) / (s.y[far, 0] - horizon)
    assert np.diff(p.x[far])[0] / np.diff(p.x[near])[0] == pytest.approx(ratio, rel=1e-3)
    step = np.abs(np.diff(p.z[:, 0]))
    assert step[far] / step[near - 1] == pytest.approx(ratio**2, rel=0.03)
    assert step[near - 1] == pytest.approx(p.footprint[near, 0], rel=0.02)
    assert np.diff(p.x[near])[0] == pytest.approx(p.across[near, 0], rel=1e-3)


def test_noise_is_the_same_by_rows_and_by_places() -> None:
    """Planes seen square on blend a whole row at once; the same places as a full grid take the other way."""
    s = stage(90, 60)
    p = level(s, -0.5)
    full = np.array(p.z)
    assert planes.lattice(11, p.x * 3, p.z * 3) == pytest.approx(
        planes.lattice(11, p.x * 3, full * 3), abs=2e-5
    )


def test_noise_repeats_only_after_its_tile() -> None:
    x = np.linspace(0, 5, 40, dtype=np.float32)[None, :]
    z = np.zeros((1, 1), np.float32)
    assert planes.lattice(3, x, z) == pytest.approx(planes.lattice(3, x + 64, z + 64), abs=1e-4)
    assert np.abs(planes.lattice(3, x, z) - planes.lattice(3, x + 32, z)).max() > 0.3


def test_detail_finer_than_a_pixel_fades_out() -> None:
    s = stage(128, 128)
    p = level(s, -0.6)
    fine = texture(s, p, 18, 18, 1)
    rows = np.flatnonzero(s.y[:, 0] > -0.6)
    assert fine[rows[0]].std() == 0
    assert fine[rows[-5:]].std() > 0.3
    assert texture(s, flat(s), 500, 500, 2).std() == 0


def test_rows_above_the_surface_repeat_its_first() -> None:
    s = stage()
    p = level(s, 0.2)
    top = surface(s, "wood", p)
    assert p.top == np.flatnonzero(s.y[:, 0] >= 0.2 - 2 * s.pixel)[0]
    assert np.array_equal(top[:, 0], top[:, p.top])
    assert not np.array_equal(top[:, -1], top[:, p.top])


def test_a_part_of_a_stage_paints_the_same_places() -> None:
    s = stage(120, 80)
    w = s.window(0.3, 0.1, 0.4, 0.3)
    inside = planes.part(s, Window(*w))
    whole, cut = flat(s), flat(inside)
    assert np.array_equal(whole.x[:, w.cut[2]], cut.x)
    assert np.array_equal(whole.z[w.cut[1], w.cut[2]], cut.z)
    assert (inside.height, inside.width) == whole.z[w.cut[1], w.cut[2]].shape


def test_the_material_does_not_move_what_is_painted_after_it() -> None:
    after = []
    for material in MATERIALS:
        s = stage()
        surface(s, material, level(s, 0.0))
        after.append(s.draw())
    assert len(set(after)) == 1
    kitchens = [render(Look("kitchen counter", "blue", material=m), 96, 96, 3, grain=False) for m in ASKED]
    # Tiles and shelves stand still; what light spills over from the counter is little.
    assert max(np.abs(k[:40] - kitchens[0][:40]).mean() for k in kitchens) < 0.02


def features(material: str, seed: int, palette: str) -> np.ndarray:
    """What tells surfaces apart without knowing how they are painted: colour, contrast, and detail each way."""
    s = stage(seed=seed, palette=palette, material=material)
    top = surface(s, material, level(s, 0.0))[:, 66:]
    grey = top.mean(0)
    grain = [np.abs(np.diff(grey, axis=a)).mean() for a in (0, 1)]
    coarse = grey[: grey.shape[0] // 8 * 8].reshape(-1, 8, 16, 8).mean((1, 3))
    skew = ((grey - grey.mean()) ** 3).mean() / grey.std() ** 3
    mean = top.mean((1, 2))
    return np.array([*mean, *(mean / mean.sum() * 2), grey.std(), *np.log(grain), coarse.std(), skew / 4])


@pytest.mark.parametrize("palette", ["beige", "teal"])
def test_materials_can_be_told_apart_at_128_pixels(palette: str) -> None:
    """A nearest neighbour over a dozen plain statistics names the material of a seed it has not seen."""
    known = {m: [features(m, seed, palette) for seed in range(12)] for m in ASKED}
    everything = np.array([f for rows in known.values() for f in rows])
    middle, spread = everything.mean(0), everything.std(0)
    names = np.repeat(ASKED, 12)
    right = 0
    for material in ASKED:
        for seed in range(20, 26):
            f = features(material, seed, palette)
            gone = (((everything - f) / spread) ** 2).sum(1)
            right += names[gone.argmin()] == material
    assert middle.shape == (11,)
    assert right / (6 * len(ASKED)) >= 0.9


def test_polished_stone_mirrors_what_stands_behind_it_and_linen_does_not() -> None:
    for material, mirrors in (("metal", True), ("marble", True), ("linen", False)):
        s = stage()
        picture = np.full((3, 128, 128), 0.5, np.float32)
        picture[:, :64, 40:60] = 1.0
        before = picture.copy()
        polish(s, picture, 0.0, material)
        assert np.array_equal(picture[:, :64], before[:, :64])
        below = picture[:, 68:80, 50].mean() - picture[:, 68:80, 110].mean()
        assert (below > 0.05) == mirrors


@pytest.mark.parametrize("material", ASKED)
def test_a_ledge_leaves_the_scene_above_it_alone(material: str) -> None:
    s = stage(material=material)
    before = s.ramp(s.mid, s.light, s.v)
    picture = before.copy()
    ledge(s, picture)
    assert np.abs(picture[:, :64] - before[:, :64]).max() < 0.01
    assert np.abs(picture[:, 108:] - before[:, 108:]).mean() > 0.03
    front, top = picture[:, -2].mean(), picture[:, 112:118].mean()
    assert front < top  # the upright face of the slab lies in shade
