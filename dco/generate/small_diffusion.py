"""The embedded model at work on small copies: image to image from the render, and the autoencoder's own blur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dco.generate import pipeline
from dco.generate.delta import Array
from dco.generate.model_folder import ModelFolder


class SmallDiffusion:
    """A loaded Stable Diffusion folder of small size, kept warm; prompts are encoded once each."""

    def __init__(self, folder: ModelFolder, device: str = "cpu") -> None:
        text_to_image = pipeline.load(folder, device=device, dtype=torch.float32)
        self._pipe = pipeline.image_to_image(text_to_image)
        self._device = device
        # Measured on a CPU: the denoiser runs 1.25 times as fast with channels last.
        self._pipe.unet.to(memory_format=torch.channels_last)
        self._pipe.vae.to(memory_format=torch.channels_last)
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
        *,
        steps: int,
        strength: float,
        guidance: float,
    ) -> tuple[Array, Array]:
        """Diffuse small copies.

        Args:
            copies: float32[n, h, w, 3] in [0, 1]; sides are multiples of 32.

        Returns:
            The diffused copies and the copies as the autoencoder alone returns them, both float32[n, h, w, 3]. A value
            that is not finite stays so, for the gates to see.
        """
        pipe, vae = self._pipe, self._pipe.vae
        pictures = torch.from_numpy(copies).permute(0, 3, 1, 2).contiguous().to(self._device)
        with pipeline.quiet():
            latents = pipe(
                prompt_embeds=torch.cat([self._embedding(text) for text in prompts]),
                negative_prompt_embeds=torch.cat([self._embedding("")] * len(prompts)),
                image=pictures,
                strength=strength,
                num_inference_steps=steps,
                guidance_scale=guidance,
                generator=pipeline.seeds(seeds),
                output_type="latent",
                return_dict=False,
            )[0]
        diffused = self._decode(latents / vae.config.scaling_factor)
        plain = self._decode(pipeline.latents_of(vae, pictures * 2 - 1))
        return diffused, plain

    def _decode(self, latents: Tensor) -> Array:
        pictures = (self._pipe.vae.decode(latents, return_dict=False)[0] * 0.5 + 0.5).clamp(0, 1)
        array: Array = np.ascontiguousarray(pictures.permute(0, 2, 3, 1).float().cpu().numpy())
        return array

    def _embedding(self, prompt: str) -> Tensor:
        if prompt not in self._embeddings:
            # Each prompt alone, so that its neighbours cannot move a bit of it.
            self._embeddings[prompt] = self._pipe.encode_prompt(prompt, self._device, 1, False)[0]
        return self._embeddings[prompt]
