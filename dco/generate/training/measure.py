"""How good a model folder is: adherence of its pictures, beside what the classifier can tell on real renders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dco.errors import BadInput, BadModel
from dco.generate.diffusion.pipeline import quiet
from dco.generate.paint.render import render
from dco.generate.quality.adherence import Adherence
from dco.generate.training.fit_autoencoder import psnr
from dco.generate.training.looks import sample_looks, share_right
from dco.generate.training.measure_transfer import Transfer, measure_transfer
from dco.generate.vocabulary import Look, prompt

STEPS, GUIDANCE, SIDE, BATCH = 12, 1.5, 128, 20
REFERENCES = 240
FIRST_SEED = 500_000


@dataclass(frozen=True)
class Measured:
    """Adherence in percent per attribute, Fréchet distances of classifier features, and the autoencoder's PSNR.

    `ceiling` is the classifier's own accuracy on fresh renders of the same looks; `distance_floor` is the distance
    between two sets of renders. Both sets have as many pictures as were generated, against 240 other renders.
    """

    pictures: int
    steps: int
    guidance: float
    adherence: dict[str, float]
    ceiling: dict[str, float]
    distance: float
    distance_floor: float
    psnr_db: float
    psnr_noisy_db: float
    cpu_seconds_per_picture: float
    transfer: Transfer

    def __str__(self) -> str:
        head = f"{'':24s}" + "".join(f"{a:>13s}" for a in self.ceiling)
        rows = [
            f"{name:24s}" + "".join(f"{row[a]:12.1f}%" for a in self.ceiling)
            for name, row in (("text-to-image", self.adherence), ("renders (ceiling)", self.ceiling))
        ]
        tail = (
            f"{self.pictures} pictures, {self.steps} steps, guidance {self.guidance:g}; "
            f"Fréchet distance {self.distance:.2f} (renders {self.distance_floor:.2f}); "
            f"autoencoder {self.psnr_db:.1f} dB, {self.psnr_noisy_db:.1f} dB at latent noise 0.15; "
            f"{self.cpu_seconds_per_picture:.2f} CPU-seconds a picture"
        )
        return "\n".join([head, *rows, tail, "", str(self.transfer)])

    def as_dict(self) -> dict[str, Any]:
        """Plain data for training.json."""
        return {**asdict(self), "transfer": self.transfer.as_dict()}


def evaluate(folder: Path, n: int = 100) -> Measured:
    """Measure a model folder with n text-to-image pictures of canonical prompts, scenes in turn, and n of delta transfer.

    Raises:
        BadModel: the folder is not a finished model.
        BadInput: n is below 10.
    """
    if n < 10:
        raise BadInput(f"evaluate: n = {n} is too few; expected at least 10 pictures")
    pipe = open_pipeline(folder)
    judge = Adherence.open(folder)
    looks = sample_looks(n)
    began = time.process_time()
    made = np.concatenate(list(_generate(pipe, looks)))
    seconds = (time.process_time() - began) / n
    fresh = _renders(looks, FIRST_SEED)
    others = _renders(sample_looks(REFERENCES, seed=8), FIRST_SEED + 10_000)
    reference = _features(judge, others)
    as_bytes = (others[:48] * 255 + 0.5).astype(np.uint8)
    return Measured(
        n,
        STEPS,
        GUIDANCE,
        share_right(judge, made, looks),
        share_right(judge, fresh, looks),
        round(frechet(_features(judge, made), reference), 3),
        round(frechet(_features(judge, fresh), reference), 3),
        round(psnr(pipe.vae, as_bytes), 2),
        round(psnr(pipe.vae, as_bytes, 0.15), 2),
        round(seconds, 3),
        measure_transfer(folder, n),
    )


def open_pipeline(folder: Path) -> Any:
    """The folder's text-to-image pipeline in full precision, from safetensors only.

    Raises:
        BadModel: the folder is not a finished model.
    """
    if not (folder / "model_index.json").exists():
        raise BadModel(f"{folder}: no model_index.json; expected a folder written by training")
    with quiet():
        from diffusers import AutoPipelineForText2Image

        pipe = AutoPipelineForText2Image.from_pretrained(
            folder,
            variant="fp16",
            torch_dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            safety_checker=None,
            feature_extractor=None,
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Fréchet distance between normal fits of two float64[n, feature] samples (Dowson and Landau 1982).

    |mean difference|^2 + tr(A + B - 2 sqrt(A B)); the trace of the root is the sum of the roots of the eigenvalues
    of sqrt(A) B sqrt(A), which is symmetric.
    """
    mean = a.mean(0) - b.mean(0)
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values_, axes = np.linalg.eigh(ca)
    root = (axes * np.sqrt(np.maximum(values_, 0))) @ axes.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cb @ root), 0)).sum()
    return float(mean @ mean + np.trace(ca) + np.trace(cb) - 2 * cross)


def _generate(pipe: Any, looks: list[Look]) -> Iterator[NDArray[np.float32]]:
    for k in range(0, len(looks), BATCH):
        part = looks[k : k + BATCH]
        yield pipe(
            [prompt(look) for look in part],
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            width=SIDE,
            height=SIDE,
            generator=[torch.Generator().manual_seed(k + j) for j in range(len(part))],
            output_type="np",
        ).images


def _renders(looks: list[Look], seed: int) -> NDArray[np.float32]:
    return np.stack([render(look, SIDE, SIDE, seed + k, grain=False) for k, look in enumerate(looks)])


@torch.no_grad()
def _features(judge: Adherence, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    x = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))) * 2 - 1
    return judge.features(x).mean((2, 3)).numpy().astype(np.float64)
