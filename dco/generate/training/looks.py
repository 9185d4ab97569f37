"""Which looks a model is measured with, and how many of them its pictures show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco.generate.quality.adherence import Adherence
from dco.generate.training.renders import look_of, random_labels
from dco.generate.vocabulary import ATTRIBUTES, Look, values


def sample_looks(n: int, seed: int = 7) -> list[Look]:
    """n looks that visit every scene and light in turn; the rest as in training."""
    labels = random_labels(n, np.random.default_rng(seed))
    scenes, lights = len(values("scene")), len(values("light"))
    labels[:, ATTRIBUTES.index("scene")] = np.arange(n) % scenes
    labels[:, ATTRIBUTES.index("light")] = np.arange(n) // scenes % lights
    return [look_of(row) for row in labels]


def share_right(judge: Adherence, pictures: NDArray[np.float32], looks: list[Look]) -> dict[str, float]:
    """Percent of float32[n, h, w, 3] read back as asked, per attribute the judge knows."""
    read = judge.read(pictures)
    return {
        a: round(100 * float(np.mean([r[a] == getattr(look, a) for r, look in zip(read, looks)])), 1)
        for a in judge.words
    }
