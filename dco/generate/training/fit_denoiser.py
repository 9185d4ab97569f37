"""Fit the denoiser: a stock UNet that predicts the velocity of a rectified flow between latents and noise.

x(t) = (1 - t) z + t e with e standard normal; the network predicts e - z at t = sigmoid(n), n standard normal
(Liu et al. 2022, Rectified flow; Esser et al. 2024, Stable Diffusion 3, for the logit-normal times).
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dco.generate.training.captions import token_ids
from dco.generate.training.crew import Crew
from dco.generate.training.encode import caption_file, held_out_latents, latent_file
from dco.generate.training.recipe import Recipe

NULL_SHARE = 0.1  # of the samples see the empty caption, for classifier-free guidance
WARM_UP = 150


@dataclass(frozen=True)
class Point:
    """One point of the training curve. `loss` is of held-out renders under fixed noise, by quarters of t too."""

    step: int
    samples: int
    seconds: float
    loss: float
    quarters: tuple[float, ...]
    rate: float


def new_denoiser(recipe: Recipe) -> Any:
    """A UNet2DConditionModel with cross-attention at its lowest resolution only.

    The caption reaches every block through `addition_embed_type="text"`, which needs no argument a stock pipeline
    does not pass.
    """
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=min(recipe.main_size) // 8,
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        block_out_channels=recipe.denoiser_widths,
        layers_per_block=1,
        cross_attention_dim=recipe.text_width,
        attention_head_dim=8,
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )


def fit_denoiser(crew: Crew, work: Path, recipe: Recipe, seconds: float, start: str) -> None:
    """Train until `seconds` of wall time are over in all, counting earlier runs of the same work folder.

    Writes work/unet (the averaged weights), work/unet_raw (to go on from) and work/curve.json. `start` names a unet
    folder to start from, or is empty. The moments of Adam are not kept: a resumed run warms up again.
    """
    curve = read_curve(work)
    before = curve[-1].seconds if curve else 0.0
    samples = curve[-1].samples if curve else 0
    data = _Data(work, recipe, crew, seed=samples)
    torch.manual_seed(0)
    model = new_denoiser(recipe)
    if start:
        model.load_state_dict(type(model).from_pretrained(start, use_safetensors=True).state_dict())
    model = model.train().to(crew.device, memory_format=torch.channels_last)
    parameters = list(model.parameters())
    if crew.on_gpu:  # in place, so that what is saved keeps its names; a CPU would spend minutes on compiling
        model.compile()
    optimizer = torch.optim.AdamW(
        parameters, recipe.denoiser_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    averaged = _averaged(model, work) if crew.rank == 0 else None
    torch.manual_seed(100 + crew.rank + samples)
    began = time.monotonic()
    reported = saved = began
    step = 0
    going = True
    while going:
        spent = before + time.monotonic() - began
        rate = _rate(step, spent / max(seconds, 1e-9)) * recipe.denoiser_rate
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cuda", torch.bfloat16, enabled=crew.on_gpu):
            loss = _flow_loss(model, *data.batch())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        samples += recipe.denoiser_batch * crew.size
        if step % recipe.average_every:
            continue
        crew.average(p.data for p in parameters)
        now = time.monotonic()
        going = crew.all_agree(before + now - began < seconds)
        if averaged is None:
            continue
        _follow(averaged, parameters, step / recipe.average_every + (1000 if before else 0))
        if now - reported > recipe.report_every_seconds or not going:
            reported = now
            loss_value, quarters = data.held_out_loss(averaged)
            curve.append(Point(step, samples, round(before + now - began, 1), loss_value, quarters, rate))
        if now - saved > recipe.save_every_seconds or not going:
            saved = now
            _save(work, model, averaged, curve)


def read_curve(work: Path) -> list[Point]:
    """The training curve so far."""
    path = work / "curve.json"
    if not path.exists():
        return []
    return [Point(**{**row, "quarters": tuple(row["quarters"])}) for row in json.loads(path.read_text())]


class _Data:
    def __init__(self, work: Path, recipe: Recipe, crew: Crew, seed: int) -> None:
        self.recipe, self.device = recipe, crew.device
        self.rng = np.random.default_rng((9, crew.rank, seed))
        self.latents = [self._open(latent_file(work, *size), crew) for size in recipe.sizes]
        self.captions = [self._open(caption_file(work, *size), crew) for size in recipe.sizes]
        counts = np.array([len(x) for x in self.latents], float)
        self.shares = counts / counts.sum()
        self.encoder = _text_encoder(work).to(crew.device)
        self.null = self._states(_empty_caption(work))
        if crew.rank == 0:
            held, tokens = held_out_latents(work, recipe)
            self.held, self.held_states = held.to(crew.device), self._states(tokens)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Latents of one size and their caption states."""
        size = self.rng.choice(len(self.latents), p=self.shares)
        rows = np.sort(self.rng.integers(0, len(self.latents[size]), self.recipe.denoiser_batch))
        which = self.rng.integers(0, self.recipe.captions_per_look, len(rows))
        states = self._states(torch.as_tensor(self.captions[size][rows, which]))
        empty = torch.from_numpy(self.rng.random(len(rows)) < NULL_SHARE).to(self.device)
        z = torch.as_tensor(self.latents[size][rows]).to(self.device).float()
        return z, torch.where(empty[:, None, None], self.null, states)

    @torch.no_grad()
    def held_out_loss(self, model: Any) -> tuple[float, tuple[float, ...]]:
        """Velocity error over evenly spread t, with noise that never changes; whole, and by quarters of t."""
        z, count = self.held, len(self.held)
        noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(5)).to(self.device)
        t = (torch.arange(count, device=self.device) + 0.5) / count
        errors = []
        for k in range(0, count, 32):
            cut = slice(k, k + 32)
            velocity = model(_between(z[cut], noise[cut], t[cut]), t[cut] * 1000, self.held_states[cut])
            errors.append((velocity.sample - (noise[cut] - z[cut])).square().mean((1, 2, 3)))
        error = torch.cat(errors)
        quarters = tuple(round(float(q.mean()), 4) for q in error.chunk(4))
        return round(float(error.mean()), 4), quarters

    def _open(self, path: Path, crew: Crew) -> Any:
        """A file of rows: left on disk for a CPU, held whole in the memory of a GPU."""
        rows = np.load(path, mmap_mode="r")
        return torch.from_numpy(np.array(rows)).to(crew.device) if crew.on_gpu else rows

    @torch.no_grad()
    def _states(self, tokens: Tensor) -> Tensor:
        """float[batch, token, width] of the frozen text encoder: a hundredth of the denoiser's work."""
        states: Tensor = self.encoder(tokens.to(self.device).long())[0]
        return states


def _text_encoder(work: Path) -> Any:
    from transformers import CLIPTextModel

    folder = work / "text_encoder"
    return CLIPTextModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()


def _empty_caption(work: Path) -> Tensor:
    from transformers import CLIPTokenizer

    tokens: Tensor = token_ids(CLIPTokenizer.from_pretrained(work / "tokenizer", local_files_only=True), [""])
    return tokens


def _flow_loss(model: Any, z: Tensor, states: Tensor) -> Tensor:
    t = torch.sigmoid(torch.randn(len(z), device=z.device))
    noise = torch.randn_like(z)
    velocity = model(_between(z, noise, t), t * 1000, states).sample
    return F.mse_loss(velocity, noise - z)


def _between(z: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    t = t[:, None, None, None]
    return ((1 - t) * z + t * noise).to(memory_format=torch.channels_last)


def _rate(step: int, done: float) -> float:
    """Warm up, hold, then fall linearly to 1 % from 40 % of the time on."""
    return min(1, (step + 1) / WARM_UP) * (1 if done < 0.4 else max(0.01, (1 - done) / 0.6))


def _averaged(model: Any, work: Path) -> Any:
    averaged = copy.deepcopy(model).eval()
    if (work / "unet" / "config.json").exists():
        kept = type(model).from_pretrained(work / "unet", use_safetensors=True)
        averaged.load_state_dict(kept.state_dict())
    return averaged


@torch.no_grad()
def _follow(averaged: Any, parameters: list[Tensor], n: float) -> None:
    keep = min(0.99, (1 + n) / (10 + n))
    torch._foreach_lerp_(list(averaged.parameters()), parameters, 1 - keep)


def _save(work: Path, model: Any, averaged: Any, curve: list[Point]) -> None:
    model.save_pretrained(work / "unet_raw")
    averaged.save_pretrained(work / "unet")
    fresh = work / "curve.json.new"
    fresh.write_text(json.dumps([asdict(point) for point in curve], indent=1))
    fresh.replace(work / "curve.json")
