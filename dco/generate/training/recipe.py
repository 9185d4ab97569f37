"""The numbers of a training run, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How much of everything a training run takes.

    `sizes` maps (width, height) in pixels to its share of the renders; sides are multiples of 32, because the
    latents are eight times smaller and the denoiser halves them twice. Rates are of AdamW.
    """

    renders: int
    sizes: Mapping[tuple[int, int], float]
    held_out: int
    autoencoder_steps: int
    autoencoder_batch: int
    crop: int
    text_steps: int
    text_batch: int
    classifier_steps: int
    classifier_batch: int
    denoiser_widths: tuple[int, int, int]
    denoiser_batch: int
    denoiser_rate: float = 1e-3
    autoencoder_rate: float = 2e-3
    text_rate: float = 2e-3
    text_width: int = 96
    text_tokens: int = 48
    latent_channels: int = 8
    captions_per_look: int = 4
    average_every: int = 8  # denoiser steps between two averagings of the workers' parameters
    report_every_seconds: float = 60.0
    save_every_seconds: float = 100.0

    @property
    def main_size(self) -> tuple[int, int]:
        """(width, height) of most renders: what the autoencoder and the held-out loss look at."""
        return max(self.sizes, key=lambda size: self.sizes[size])


RECIPES: Mapping[str, Recipe] = {
    "small": Recipe(
        renders=48_000,
        sizes={(128, 128): 0.7, (192, 96): 0.15, (96, 192): 0.15},
        held_out=128,
        autoencoder_steps=1100,
        autoencoder_batch=16,
        crop=64,
        text_steps=1000,
        text_batch=64,
        classifier_steps=2600,
        classifier_batch=64,
        denoiser_widths=(64, 128, 192),
        denoiser_batch=12,
    ),
    # For a GPU: twice the side, twice the denoiser; its folder is 40 MB.
    "large": Recipe(
        renders=120_000,
        sizes={(256, 256): 0.7, (384, 192): 0.15, (192, 384): 0.15},
        held_out=256,
        autoencoder_steps=4000,
        autoencoder_batch=64,
        crop=128,
        text_steps=1200,
        text_batch=128,
        classifier_steps=4000,
        classifier_batch=256,
        denoiser_widths=(96, 192, 256),
        denoiser_batch=256,
        denoiser_rate=8e-4,
    ),
    "tiny": Recipe(
        renders=160,
        sizes={(64, 64): 0.8, (96, 32): 0.2},
        held_out=8,
        autoencoder_steps=12,
        autoencoder_batch=8,
        crop=32,
        text_steps=12,
        text_batch=16,
        classifier_steps=12,
        classifier_batch=32,
        denoiser_widths=(16, 32, 32),
        denoiser_batch=8,
        text_width=32,
        captions_per_look=2,
        report_every_seconds=0.5,
        save_every_seconds=0.5,
    ),
}
