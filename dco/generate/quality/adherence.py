"""The adherence classifier: a small network that reads back what a picture shows, to check that it shows what was asked.

It knows the attribute words it was trained on; its own ceiling on fresh renders stands in the model card, and a
measured adherence means little without that ceiling beside it.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dco.errors import BadModel
from dco.generate.vocabulary import ATTRIBUTES

SIDE = 64
FOLDER = "adherence"


class Adherence(nn.Module):
    """Four strided convolutions and one linear layer over all attributes' words.

    Args:
        words: per attribute, in the order of `ATTRIBUTES`, the canonical words it tells apart.
    """

    def __init__(self, words: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.words = {a: tuple(words[a]) for a in ATTRIBUTES if a in words}
        widths = (3, 24, 48, 96, 128)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.ReLU())
                for i, o in pairwise(widths)
            )
        )
        self.head = nn.Linear(128 * 16, sum(len(w) for w in self.words.values()))

    def features(self, x: Tensor) -> Tensor:
        """float[batch, 128, 4, 4] of pictures float[batch, 3, any, any] in [-1, 1]."""
        return self.body(F.interpolate(x, (SIDE, SIDE), mode="area"))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Logits per attribute."""
        return self.head(self.features(x).flatten(1)).split([len(w) for w in self.words.values()], 1)

    @torch.no_grad()
    def read(self, pictures: NDArray[np.float32]) -> list[dict[str, str]]:
        """What each picture of float32[batch, height, width, 3] in [0, 1] shows, as canonical words."""
        self.eval()
        x = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))) * 2 - 1
        best = [logits.argmax(1).tolist() for logits in self(x)]
        return [
            {a: self.words[a][k] for a, k in zip(self.words, row, strict=True)}
            for row in zip(*best, strict=True)
        ]

    @torch.no_grad()
    def probabilities(self, picture: NDArray[np.float32]) -> dict[str, dict[str, float]]:
        """Attribute -> word -> probability for one picture, float32[height, width, 3] in [0, 1]."""
        self.eval()
        x = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None])) * 2 - 1
        found = [F.softmax(logits[0].double(), 0).tolist() for logits in self(x)]
        return {
            a: dict(zip(self.words[a], row, strict=True)) for a, row in zip(self.words, found, strict=True)
        }

    def save(self, folder: Path) -> None:
        """Write adherence/model.safetensors and adherence/words.json under a model folder."""
        target = folder / FOLDER
        target.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, target / "model.safetensors")
        (target / "words.json").write_text(json.dumps(self.words, indent=1) + "\n")

    @classmethod
    def open(cls, folder: Path) -> Adherence:
        """Read the classifier of a model folder.

        Raises:
            BadModel: the folder has none, or its files do not belong together.
        """
        source = folder / FOLDER
        try:
            words = json.loads((source / "words.json").read_text())
            model = cls({a: tuple(words[a]) for a in words})
            model.load_state_dict(load_file(source / "model.safetensors"))
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BadModel(
                f"{source}: no readable adherence classifier ({type(error).__name__}); train the model again"
            ) from error
        return model.eval()
