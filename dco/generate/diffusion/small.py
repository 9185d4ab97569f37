"""The embedded model at work on small copies: image to image from the render, and the autoencoder's own blur.

With an even schedule the sampling loop is that of diffusers' Stable Diffusion pipelines, step for step, over the
folder's own scheduler, denoiser and autoencoder; a short one (`schedule`) visits fewer noise levels. It is written out
here so that a prompt is encoded once for all pictures, a copy once for both of its uses, and so that a picture on its
way can be looked at.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from dco.errors import BadModel
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.delta import Array
from dco.generate.diffusion.fast_layers import speed_up
from dco.generate.diffusion.schedule import Even, Short, short_solver
from dco.generate.models.folder import ModelFolder

Watch = Callable[[int, int, Callable[[], Array]], None]
"""Called after each step with (step, steps, look); `look()` decodes what the denoiser now takes the pictures to be."""


class SmallDiffusion:
    """A loaded Stable Diffusion folder of small size, kept warm; prompts are encoded once each.

    Raises:
        BadModel: the folder cannot be loaded, or is another kind of model.
    """

    def __init__(self, folder: ModelFolder, device: str = "cpu") -> None:
        pipe = pipeline.load(folder, device=device, dtype=torch.float32)
        if type(pipe).__name__ != "StableDiffusionPipeline":
            raise BadModel(
                f"{folder.path}: {type(pipe).__name__} is no small Stable Diffusion; use the backend 'diffusers'"
            )
        self._pipe, self._device = pipe, device
        # Measured on a CPU: the denoiser runs 1.25 times as fast with channels last.
        for part in (pipe.unet, pipe.vae):
            part.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._unet: Any = speed_up(pipe.unet)
        self._vae: Any = speed_up(pipe.vae)
        self._scheduler, self._short_solver = pipe.scheduler, cast(Any, None)
        self._embeddings: dict[str, Tensor] = {}

    def prompt_problem(self, prompt: str) -> str | None:
        """Why the text encoder cannot read the whole prompt, or None."""
        return None if prompt in self._embeddings else pipeline.prompt_problem(self._pipe, prompt)

    @torch.inference_mode()
    def diffuse(
        self,
        prompts: Sequence[str],
        copies: Array,
        seeds: Sequence[int],
        schedule: Even | Short,
        watch: Watch | None = None,
    ) -> tuple[Array, Array]:
        """Diffuse small copies.

        Args:
            copies: float32[n, h, w, 3] in [0, 1]; sides are multiples of 32.
            watch: called after each step; it can change nothing.

        Returns:
            The diffused copies and the copies as the autoencoder alone returns them, both float32[n, h, w, 3]. A value
            that is not finite stays so, for the gates to see.
        """
        pictures = torch.from_numpy(copies).permute(0, 3, 1, 2).to(self._device)
        clean = pipeline.latents_of(self._vae, pictures * 2 - 1)
        latents = self._denoise(prompts, seeds, clean, schedule, schedule.first(), watch)
        return self._decode(latents), self._decode(clean)

    @torch.inference_mode()
    def draw(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        size: tuple[int, int],
        steps: int,
        guidance: float,
        watch: Watch | None = None,
    ) -> Array:
        """Draw from pure noise: float32[n, height, width, 3] for size = (width, height), multiples of 32."""
        factor = self._pipe.vae_scale_factor
        shape = (len(prompts), self._unet.config.in_channels, size[1] // factor, size[0] // factor)
        empty = torch.zeros(shape, device=self._device)
        return self._decode(self._denoise(prompts, seeds, empty, Even(steps, 1.0, guidance), None, watch))

    def _denoise(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        clean: Tensor,
        schedule: Even | Short,
        first: int | None,
        watch: Watch | None,
    ) -> Tensor:
        """Latents after the schedule from step `first` on; None starts from noise alone."""
        scheduler, generators = self._prepared(schedule), pipeline.seeds(seeds)
        scale = self._vae.config.scaling_factor
        begin = (first or 0) * scheduler.order
        times = scheduler.timesteps[begin:]
        scheduler.set_begin_index(begin)
        noise = torch.cat(
            [torch.randn((1, *clean.shape[1:]), generator=g, device="cpu") for g in generators]
        ).to(self._device)
        if first is None:
            latents = noise * scheduler.init_noise_sigma
        else:
            latents = scheduler.add_noise(clean * scale, noise, times[:1].repeat(len(prompts)))
        words = torch.cat([self._embedding(text) for text in prompts])
        without_words = torch.cat([self._embedding("")] * len(prompts))
        both = torch.cat([without_words, words])
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        extra: dict[str, Any] = {"generator": generators} if takes_generator else {}
        for number, time in enumerate(times):
            guidance = schedule.guidance_at(number, len(times))
            doubled = torch.cat([latents] * 2) if guidance > 1 else latents
            doubled = scheduler.scale_model_input(doubled, time).contiguous(memory_format=torch.channels_last)
            heard = both if guidance > 1 else words
            found = self._unet(doubled, time, encoder_hidden_states=heard, return_dict=False)[0]
            if guidance > 1:
                without, with_words = found.chunk(2)
                found = without + guidance * (with_words - without)
            latents = scheduler.step(found, time, latents, **extra, return_dict=False)[0]
            if watch:
                watch(
                    number + 1, len(times), partial(self._decode, self._expected(scheduler, latents) / scale)
                )
        return latents / scale

    def _prepared(self, schedule: Even | Short) -> Any:
        """The solver of a schedule, its noise levels set."""
        with pipeline.quiet():
            if isinstance(schedule, Even):
                self._scheduler.set_timesteps(schedule.steps, device=self._device)
                return self._scheduler
            self._short_solver = self._short_solver or short_solver(self._scheduler)
            self._short_solver.set_timesteps(sigmas=np.array(schedule.levels()), device=self._device)
            return self._short_solver

    @staticmethod
    def _expected(scheduler: Any, latents: Tensor) -> Tensor:
        """The clean latents a multistep solver expects from here; the noisy ones where it keeps no such estimate."""
        kept, told = getattr(scheduler, "model_outputs", None), scheduler.config
        predicts = told.get("algorithm_type", "").endswith("++") or told.get("predict_x0", False)
        return kept[-1] if predicts and kept and isinstance(kept[-1], Tensor) else latents

    def _decode(self, latents: Tensor) -> Array:
        latents = latents.contiguous(memory_format=torch.channels_last)
        pictures = (self._vae.decode(latents, return_dict=False)[0] * 0.5 + 0.5).clamp(0, 1)
        array: Array = np.ascontiguousarray(pictures.permute(0, 2, 3, 1).float().cpu().numpy())
        return array

    def _embedding(self, prompt: str) -> Tensor:
        if prompt not in self._embeddings:
            # Each prompt alone, so that its neighbours cannot move a bit of it.
            with pipeline.quiet():
                self._embeddings[prompt] = self._pipe.encode_prompt(prompt, self._device, 1, False)[0]
        return self._embeddings[prompt]
