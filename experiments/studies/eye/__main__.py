"""Sixty random ads, uncurated, and the same ads without diffusion and on a flat colour: `dco study eye`.

Nothing is picked by hand: looks and words are drawn at random, and every ad that the engine's own gates and checks let
through is shown. Product and logo are the sample brand's, drawn by the project.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dco.compose.kit import Kit
from dco.compose.sizes import masters
from dco.errors import DoesNotFit
from dco.generate.backend import Backend, load_backend
from dco.generate.picture import Failure
from dco.generate.request import Request
from dco.generate.studio import make
from dco.generate.training.renders import look_of, random_labels
from dco.generate.vocabulary import ATTRIBUTES, Look, copy_side
from dco.jobs.assets import kit as read_kit
from dco.jobs.create import compose_sizes
from dco.jobs.init import init
from dco.records import Campaign, Copy
from dco.settings.campaign import load_campaign

SIZE, SEED, AT_A_TIME = "1080x1080", 2026, 12
WAYS = ("diffusion", "render", "flat")
Raster = NDArray[np.uint8]


@dataclass(frozen=True)
class Trio:
    """One ad, made three ways; rasters uint8[1080, 1080, 3]."""

    look: Look
    ways: Mapping[str, Raster]


def main() -> None:
    """Write the sheets and say how many ads were refused, by whom, and what it took."""
    parser = argparse.ArgumentParser(prog="dco study eye", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="ads to show (default 60)")
    parser.add_argument("--out", type=Path, default=Path("docs/eye"), help="where the sheets go")
    parser.add_argument("--full", type=Path, help="also write every ad at full size into this folder")
    given = parser.parse_args()
    began = monotonic()
    given.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        init(Path(scratch) / "sample")
        campaign = load_campaign(Path(scratch) / "sample")
        refused: list[str] = []
        trios: list[Trio] = []
        for trio in _trios(campaign, read_kit(campaign), refused):
            trios.append(trio)
            if given.full:
                _full(given.full, len(trios), trio)
            if len(trios) == given.count:
                break
    for way in WAYS:
        sheet = _sheet([trio.ways[way] for trio in trios], columns=10, cell=216)
        Image.fromarray(sheet).save(given.out / f"{way}.jpg", quality=84, optimize=True)
    _blind(given.out, trios[:12])
    print(f"{len(trios)} ads in {given.out}, {len(refused)} more were refused, {monotonic() - began:.0f} s")
    for reason in refused:
        print(f"  refused: {reason}")


def _trios(campaign: Campaign, kit: Kit, refused: list[str]) -> Iterator[Trio]:
    """Random ads without end, in the order of their seeds."""
    rng = np.random.default_rng(SEED)
    backends = {"diffusion": load_backend("embedded"), "render": load_backend("procedural")}
    number = 0
    while True:
        looks = [look_of(row) for row in random_labels(AT_A_TIME, rng)]
        words = [_words(campaign, rng) for _ in looks]
        seeds = range(number, number + AT_A_TIME)
        number += AT_A_TIME
        made = {way: _backdrops(backend, looks, list(seeds)) for way, backend in backends.items()}
        for k, look in enumerate(looks):
            backdrop = made["diffusion"][k]
            if isinstance(backdrop, str):
                refused.append(f"{look.scene}: {backdrop}")
                continue
            plain = made["render"][k]
            flat = np.zeros_like(backdrop) + _rgb(kit.colors["paper"])
            drawn = {
                "diffusion": backdrop,
                "render": backdrop if isinstance(plain, str) else plain,
                "flat": flat,
            }
            try:
                yield Trio(look, {way: _ad(kit, words[k], drawn[way], look) for way in WAYS})
            except DoesNotFit as error:
                refused.append(f"{look.scene}: {error}")


def _backdrops(backend: Backend, looks: list[Look], seeds: list[int]) -> list[Raster | str]:
    """Pixels, or why there are none."""
    width, height = masters([SIZE])[SIZE]
    usual = backend.defaults
    requests = [
        Request.of(
            {a: word for a in ATTRIBUTES if (word := getattr(look, a)) != "none"}, width, height, seed,
            strength=usual.strength, steps=usual.steps, guidance=usual.guidance,
        )
        for look, seed in zip(looks, seeds, strict=True)
    ]  # fmt: skip
    outcomes = make(requests, backend)
    return [o.reason if isinstance(o, Failure) else o.pixels for o in outcomes]


def _words(campaign: Campaign, rng: np.random.Generator) -> Copy:
    pick = lambda table: str(rng.choice(list(table.values())))  # noqa: E731
    return Copy(pick(campaign.headlines), pick(campaign.subheads), pick(campaign.ctas))


def _ad(kit: Kit, words: Copy, backdrop: Raster, look: Look) -> Raster:
    size = masters([SIZE])[SIZE]
    return compose_sizes(kit, words, {size: backdrop}, [SIZE], copy_side(look.composition))[SIZE].raster


def _sheet(rasters: list[Raster], columns: int, cell: int) -> Raster:
    """Squares side by side, in the order of their seeds."""
    gap = 6
    rows = -(-len(rasters) // columns)
    sheet = np.full((rows * (cell + gap) + gap, columns * (cell + gap) + gap, 3), 255, np.uint8)
    for k, raster in enumerate(rasters):
        y, x = gap + k // columns * (cell + gap), gap + k % columns * (cell + gap)
        small = Image.fromarray(raster).resize((cell, cell), Image.Resampling.LANCZOS)
        sheet[y : y + cell, x : x + cell] = np.asarray(small)
    return sheet


def _blind(out: Path, trios: list[Trio]) -> None:
    """Each ad three ways in a shuffled order, under letters; which is which stands in a file of its own."""
    rng = np.random.default_rng(SEED + 1)
    orders = [list(rng.permutation(WAYS)) for _ in trios]
    rasters = [trio.ways[way] for trio, order in zip(trios, orders, strict=True) for way in order]
    image = Image.fromarray(_sheet(rasters, columns=6, cell=360))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for k in range(len(rasters)):
        at = (6 + k % 6 * 366 + 10, 6 + k // 6 * 366 + 324)
        pen.text(
            at, f"{k // 3 + 1}{'ABC'[k % 3]}", (255, 255, 255), font, stroke_width=3, stroke_fill=(0, 0, 0)
        )
    image.save(out / "blind.jpg", quality=84, optimize=True)
    with (out / "blind-key.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ad", "scene", "A", "B", "C"])
        for k, (trio, order) in enumerate(zip(trios, orders, strict=True), start=1):
            table.writerow([k, trio.look.scene, *order])


def _full(folder: Path, number: int, trio: Trio) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for way, raster in trio.ways.items():
        Image.fromarray(raster).save(folder / f"{number:02d}-{trio.look.scene.replace(' ', '-')}-{way}.png")


def _rgb(code: str) -> Raster:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)


if __name__ == "__main__":
    main()
