"""The training set: renders of random looks, written once as plain .npy files."""

from __future__ import annotations

from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from dco.generate.paint.render import render
from dco.generate.training.recipe import Recipe
from dco.generate.vocabulary import ATTRIBUTES, COMPOSITIONS, OPTIONAL, Look, values

PLAIN_SHARE = 0.5  # of the renders say nothing of season, and as many of mood and of material
FIRST_SEED = 1_000_000  # tests and samples use small seeds, so no training render is ever asked for again


def make_renders(folder: Path, recipe: Recipe, workers: int) -> None:
    """Write pictures_<w>x<h>.npy, uint8[n, h, w, 3], and labels_<w>x<h>.npy, uint8[n, 7], for every size.

    Grain is left out: it cannot be predicted, so a model only wastes itself on it, and it is added last anyway.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seed = FIRST_SEED
    for (width, height), share in recipe.sizes.items():
        count = round(recipe.renders * share)
        labels = random_labels(count, np.random.default_rng((seed, width, height)))
        target = picture_file(folder, width, height)
        shape = (count, height, width, 3)
        np.lib.format.open_memmap(target, "w+", np.uint8, shape).flush()
        cuts = np.linspace(0, count, workers + 1).astype(int)
        jobs = [(str(target), labels, width, height, seed, int(a), int(b)) for a, b in pairwise(cuts)]
        if workers == 1:
            _fill(*jobs[0])
        else:
            with get_context("spawn").Pool(workers) as pool:
                pool.starmap(_fill, jobs)
        np.save(
            label_file(folder, width, height), labels
        )  # last: its presence says that the pictures are done
        seed += count


def random_labels(count: int, rng: np.random.Generator) -> np.ndarray:
    """uint8[count, 7], attributes independent; each uniform, but that "none" takes half of what has it."""
    columns = [rng.integers(0, len(values(a)), count) for a in ATTRIBUTES]
    for k, attribute in enumerate(ATTRIBUTES):
        if attribute in OPTIONAL:
            columns[k] = np.where(
                rng.random(count) < PLAIN_SHARE, 0, rng.integers(1, len(values(attribute)), count)
            )
    return np.stack(columns, 1).astype(np.uint8)


def look_of(labels: np.ndarray) -> Look:
    """The look of one row of labels."""
    return Look(*(values(a)[int(k)] for a, k in zip(ATTRIBUTES, labels)))


def mirrored(labels: np.ndarray) -> np.ndarray:
    """Labels of the mirrored pictures: copy left becomes copy right."""
    names = tuple(COMPOSITIONS)
    swap = {"copy space left": "copy space right", "copy space right": "copy space left"}
    to = np.array([names.index(swap.get(name, name)) for name in names], labels.dtype)
    out = labels.copy()
    out[:, 3] = to[labels[:, 3]]
    return out


def picture_file(folder: Path, width: int, height: int) -> Path:
    return folder / f"pictures_{width}x{height}.npy"


def label_file(folder: Path, width: int, height: int) -> Path:
    return folder / f"labels_{width}x{height}.npy"


def _fill(target: str, labels: np.ndarray, width: int, height: int, seed: int, start: int, stop: int) -> None:
    pictures = np.load(target, mmap_mode="r+")
    for k in range(start, stop):
        picture = render(look_of(labels[k]), width, height, seed + k, grain=False)
        pictures[k] = (picture * 255 + 0.5).astype(np.uint8)
    pictures.flush()
