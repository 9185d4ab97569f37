"""One training step's question to a checkpoint's denoiser: what was added to these latents?

Noise-predicting, velocity-predicting (Salimans and Ho 2022) and rectified-flow models (Liu et al. 2022) are asked in
their own way, as their scheduler's configuration says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dco.errors import BadModel
from dco.generate.diffusion import pipeline


class Denoising:
    """A pipeline with a UNet (Stable Diffusion 1 and 2, SDXL, LCM, the embedded model), ready to be asked.

    Raises:
        BadModel: its denoiser is of another kind.
    """

    def __init__(self, pipe: Any, name: str) -> None:
        from diffusers import DDPMScheduler

        if getattr(pipe, "unet", None) is None:
            raise BadModel(
                f"{name}: {type(pipe).__name__} has a transformer; adapters are trained here for models with a UNet "
                "(Stable Diffusion 1.5 and 2, SDXL, the embedded model)"
            )
        if pipe.unet.config.in_channels != pipe.unet.config.out_channels:
            raise BadModel(f"{name}: an inpainting model; tune the text-to-image model it comes from")
        self.pipe, self.unet, self.device = pipe, pipe.unet, pipe.unet.device
        self.kind = str(pipe.scheduler.config.get("prediction_type", "epsilon"))
        if self.kind not in ("epsilon", "v_prediction", "flow_prediction"):
            raise BadModel(
                f"{name}: predicts {self.kind!r}; expected epsilon, v_prediction or flow_prediction"
            )
        if self.kind != "flow_prediction":
            self.schedule = DDPMScheduler.from_config(pipe.scheduler.config)

    @torch.no_grad()
    def latents(self, pictures: Tensor) -> Tensor:
        """Latents, as the denoiser sees them, of float[n, 3, h, w] in [-1, 1]."""
        vae = self.pipe.vae
        z = pipeline.latents_of(vae, pictures.to(self.device, vae.dtype))
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        return ((z - shift) * vae.config.scaling_factor).float()

    @torch.no_grad()
    def words(self, caption: str) -> dict[str, Tensor]:
        """What the denoiser reads of a caption: one row per tensor."""
        encoded = self.pipe.encode_prompt(
            caption, device=self.device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        named = {"encoder_hidden_states": encoded[0]}
        if len(encoded) == 4:  # SDXL: and the pooled text, first of the last two
            named["text_embeds"] = encoded[2]
        return named

    def loss(self, z: Tensor, words: Sequence[dict[str, Tensor]], generator: torch.Generator) -> Tensor:
        """Mean squared error on latents float[n, c, h, w]; `generator` draws times and noise on the CPU."""
        noise = torch.randn(z.shape, generator=generator).to(z)
        u = torch.rand(len(z), generator=generator).to(z)
        given = {name: torch.cat([w[name] for w in words]) for name in words[0]}
        if self.kind == "flow_prediction":
            t = u[:, None, None, None]
            return F.mse_loss(self._ask((1 - t) * z + t * noise, u * 1000, given), noise - z)
        steps = (u * self.schedule.config.num_train_timesteps).long()
        noisy = self.schedule.add_noise(z, noise, steps)
        wanted = noise if self.kind == "epsilon" else self.schedule.get_velocity(z, noise, steps)
        return F.mse_loss(self._ask(noisy, steps, given), wanted)

    def _ask(self, noisy: Tensor, t: Tensor, given: dict[str, Tensor]) -> Tensor:
        more: dict[str, Any] = {}
        if "text_embeds" in given:
            side = noisy.shape[-1] * self.pipe.vae_scale_factor
            ids = torch.tensor([side, side, 0, 0, side, side], dtype=noisy.dtype, device=noisy.device)
            more["added_cond_kwargs"] = {
                "text_embeds": given["text_embeds"], "time_ids": ids.repeat(len(noisy), 1)
            }  # fmt: skip
        if self.unet.config.time_cond_proj_dim:  # distilled models read their guidance scale; 1 means none
            from diffusers import LatentConsistencyModelPipeline as Lcm

            scale = torch.zeros(len(noisy))
            more["timestep_cond"] = Lcm.get_guidance_scale_embedding(
                self.pipe, scale, embedding_dim=self.unet.config.time_cond_proj_dim
            ).to(noisy)
        answer: Tensor = self.unet(noisy, t, given["encoder_hidden_states"], **more).sample
        return answer
