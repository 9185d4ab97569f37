"""Fit the autoencoder on small crops, so that it stays sharp under the noise a sampler leaves in its latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dco.generate.autoencoder import PATCH, PatchAutoencoder
from dco.generate.training.crew import Crew
from dco.generate.training.recipe import Recipe
from dco.generate.training.renders import picture_file

LATENT_NOISE = 0.15
AVERAGE_EVERY = 4
DECODER_ONLY_FROM = 0.8


def fit_autoencoder(crew: Crew, work: Path, recipe: Recipe) -> None:
    """Train and save work/vae. Every worker draws its own crops; parameters are averaged.

    Where work/vae_start holds an earlier autoencoder only its decoder goes on: latents keep their meaning, so that the
    denoiser that reads them can be warm-started.
    """
    torch.manual_seed(crew.rank + 1)
    rng = np.random.default_rng((7, crew.rank))
    pictures = _training_pictures(work, recipe)
    kept = work / "vae_start"
    model = _open(kept) if kept.exists() else _start(pictures, recipe)
    model.to(crew.device)
    parameters, buffers = list(model.parameters()), [model.latent_mean, model.latent_std]
    optimizer = torch.optim.AdamW(parameters, recipe.autoencoder_rate, betas=(0.9, 0.99), weight_decay=1e-3)
    frozen_from = int(recipe.autoencoder_steps * DECODER_ONLY_FROM)
    if kept.exists():
        _freeze_encoder(model)
    for step in range(recipe.autoencoder_steps):
        progress = step / recipe.autoencoder_steps
        rate = min(1, (step + 1) / 40) * (1 if progress < 0.5 else max(0.02, (1 - progress) / 0.5))
        for group in optimizer.param_groups:
            group["lr"] = recipe.autoencoder_rate * rate
        loss = _loss(model, _crops(pictures, recipe, rng).to(crew.device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if (step + 1) % AVERAGE_EVERY == 0 or step + 1 == recipe.autoencoder_steps:
            crew.average([*(p.data for p in parameters), *buffers])
        if step == frozen_from and not kept.exists():
            crew.average([*(p.data for p in parameters), *buffers])
            _settle_latents(model, pictures, crew.device)
            _freeze_encoder(model)
    if crew.rank == 0:
        model.eval().to("cpu", memory_format=torch.contiguous_format).save_pretrained(work / "vae")


def to_tensor(pictures: np.ndarray) -> Tensor:
    """float[n, 3, h, w] in [-1, 1] of uint8[n, h, w, 3]."""
    x = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)  # a copy: slices of a file are read-only
    return x.float() / 127.5 - 1


def psnr(model: PatchAutoencoder, pictures: np.ndarray, noise: float = 0.0) -> float:
    """Mean peak signal to noise ratio of the pictures' reconstructions, in dB; `noise` is added to the latents."""
    x = to_tensor(pictures)
    with torch.no_grad():
        z = model.encode(x).latents
        z = z + noise * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
        error = ((model.decode(z).sample.clamp(-1, 1) - x) ** 2).mean((1, 2, 3)) / 4
    return float((-10 * error.clamp(min=1e-10).log10()).mean())


def _training_pictures(work: Path, recipe: Recipe) -> np.ndarray:
    width, height = recipe.main_size
    pictures = np.load(picture_file(work, width, height), mmap_mode="r")
    return pictures[: len(pictures) - recipe.held_out]


def _start(pictures: np.ndarray, recipe: Recipe) -> PatchAutoencoder:
    model = PatchAutoencoder(latent_channels=recipe.latent_channels).to(memory_format=torch.channels_last)
    model.train()
    sample = to_tensor(pictures[:: max(1, len(pictures) // 600)])
    model.start_from_principal_components(sample)
    with torch.no_grad():
        z = model.raw_latents(sample)
        model.latent_mean.copy_(z.mean((0, 2, 3)))
        model.latent_std.copy_(z.std((0, 2, 3)))
    return model


def _open(folder: Path) -> PatchAutoencoder:
    model = PatchAutoencoder.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    return model.train().to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


def _crops(pictures: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    side, (height, width) = recipe.crop, pictures.shape[1:3]
    cut = []
    for _ in range(recipe.autoencoder_batch):
        top = PATCH * int(rng.integers(0, (height - side) // PATCH + 1))
        left = PATCH * int(rng.integers(0, (width - side) // PATCH + 1))
        piece = pictures[rng.integers(len(pictures)), top : top + side, left : left + side]
        cut.append(piece[:, ::-1] if rng.random() < 0.5 else piece)
    return to_tensor(np.stack(cut)).to(memory_format=torch.channels_last)


def _loss(model: PatchAutoencoder, x: Tensor) -> Tensor:
    z = model.raw_latents(x)
    if model.linear_in.weight.requires_grad:
        with torch.no_grad():
            model.latent_mean.lerp_(z.mean((0, 2, 3)), 0.02)
            model.latent_std.lerp_(z.std((0, 2, 3)), 0.02)
    z = (z - model.latent_mean[:, None, None]) / model.latent_std[:, None, None]
    sigma = torch.randn(len(z), 1, 1, 1, device=z.device).abs() * LATENT_NOISE
    error = model.decode(z + sigma * torch.randn_like(z)).sample - x
    sharp = (error[..., 1:] - error[..., :-1]).abs().mean()
    sharp = sharp + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 0.6 * sharp + F.mse_loss(error, torch.zeros_like(error))


@torch.no_grad()
def _settle_latents(model: PatchAutoencoder, pictures: np.ndarray, device: str) -> None:
    """Set exact statistics of the latents: running averages lag by several percent of a standard deviation."""
    rows = range(0, min(len(pictures), 1024), 64)
    z = torch.cat([model.raw_latents(to_tensor(pictures[k : k + 64]).to(device)) for k in rows])
    model.latent_mean.copy_(z.mean((0, 2, 3)))
    model.latent_std.copy_(z.std((0, 2, 3)))


def _freeze_encoder(model: PatchAutoencoder) -> None:
    """Stop training what makes latents; the decoder goes on."""
    for part in (model.linear_in, model.deep_in):
        part.requires_grad_(False)
        for parameter in part.parameters():
            parameter.grad = None  # or AdamW would go on with the last one
