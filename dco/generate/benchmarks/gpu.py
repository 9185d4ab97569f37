"""The Stable Diffusion XL architecture on random weights, made fast and beside a plain loop in bfloat16.

Speed does not depend on what weights say. Text encoders are left out on both sides: a prompt is encoded once for thousands
of steps. The floor is what the floating-point operations alone would take at the speed of a large matrix product, measured
on the same device in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from dco.errors import BadInput
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.acceleration import accelerate
from dco.generate.diffusion.acceleration_options import Acceleration

SIDE, BATCH = 1024, 8
TERA = 1e12


@dataclass(frozen=True)
class Large:
    """Seconds an image of ours and of the plain loop; the floor; operations an image (10^12) and the measured peak (10^12/s)."""

    name: str
    seconds: float
    plain_seconds: float
    floor_seconds: float
    tera: float
    peak: float
    least_images: float
    least_ratio: float


def large(repeats: int, say: Callable[[str], None] = lambda text: None, device: str = "cuda") -> list[Large]:
    """Thirty guided steps, and four without guidance, at 1024 px.

    Raises:
        BadInput: there is no CUDA device.
    """
    if not torch.cuda.is_available():
        raise BadInput("bench generate, device: found no CUDA device; leave --device out")
    peak = matrix_speed(device, torch.bfloat16)
    say("building the architecture")
    plain = xl_pipeline(device, torch.bfloat16)
    fast = xl_pipeline(device, torch.bfloat16)
    accelerate(fast, device, Acceleration())
    found = []
    for name, steps, guidance, least, ratio in (
        ("SDXL architecture, 1024 px, 30 steps, guidance", 30, 5.0, 0.95, 2.0),
        ("SDXL architecture, 1024 px, 4 steps, no guidance", 4, 0.0, 8.0, 0.0),
    ):
        say(name)
        work = operations(steps, guidance > 1)
        ours = _median(lambda s=steps, g=guidance: draw(fast, BATCH, SIDE, s, g), repeats) / BATCH  # type: ignore[misc]
        theirs = _median(lambda s=steps, g=guidance: draw(plain, 1, SIDE, s, g), repeats)  # type: ignore[misc]
        found.append(Large(name, ours, theirs, work / peak, work / TERA, peak / TERA, least, ratio))
    return found


def xl_pipeline(device: str, dtype: torch.dtype, scale: int = 1) -> Any:
    """A Stable Diffusion XL pipeline of random weights without text encoders.

    Args:
        scale: widths are divided by this; 1 is the real architecture (2.6 billion weights), 32 a test's.
    """
    with pipeline.quiet():
        from diffusers import (
            AutoencoderKL,
            EulerDiscreteScheduler,
            StableDiffusionXLPipeline,
            UNet2DConditionModel,
        )

        unet_config, vae_config = configurations(scale)
        with torch.device(device):
            unet: Any = UNet2DConditionModel(**unet_config)
            vae: Any = AutoencoderKL(**vae_config)
        unet, vae = unet.to(dtype).eval(), vae.to(dtype).eval()
        pipe: Any = StableDiffusionXLPipeline(
            vae=vae, unet=unet, scheduler=EulerDiscreteScheduler(steps_offset=1), text_encoder=None,
            text_encoder_2=None, tokenizer=None, tokenizer_2=None, add_watermarker=False,
        )  # fmt: skip
        pipe.set_progress_bar_config(disable=True)
        return pipe


def configurations(scale: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of denoiser and autoencoder as stabilityai/stable-diffusion-xl-base-1.0 states them, widths over `scale`."""
    blocks = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")
    unet = {
        "sample_size": 128, "block_out_channels": tuple(w // scale for w in (320, 640, 1280)),
        "layers_per_block": 2, "transformer_layers_per_block": (1, 2, 10), "cross_attention_dim": 2048 // scale,
        "attention_head_dim": tuple(max(1, h * 10 // max(10, scale)) for h in (5, 10, 20)),
        "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 256 // scale,
        "projection_class_embeddings_input_dim": 6 * (256 // scale) + 1280 // scale, "norm_num_groups": 32 if scale == 1 else 2,
        "down_block_types": blocks, "up_block_types": tuple(b.replace("Down", "Up") for b in reversed(blocks)),
    }  # fmt: skip
    vae = {
        "block_out_channels": tuple(w // scale for w in (128, 256, 512, 512)), "layers_per_block": 2,
        "latent_channels": 4, "sample_size": 1024, "scaling_factor": 0.13025, "norm_num_groups": 32 if scale == 1 else 2,
        "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4, "force_upcast": False,
    }  # fmt: skip
    return unet, vae


@torch.inference_mode()
def draw(pipe: Any, count: int, side: int, steps: int, guidance: float) -> Any:
    """float[count, 3, side, side] from random embeddings of the right shapes; values mean nothing."""
    settings, device, dtype = pipe.unet.config, pipe.unet.device, pipe.unet.dtype
    width = settings.projection_class_embeddings_input_dim - 6 * settings.addition_time_embed_dim
    generator = [torch.Generator("cpu").manual_seed(k) for k in range(count)]
    words = torch.zeros(count, 77, settings.cross_attention_dim, device=device, dtype=dtype)
    pooled = torch.zeros(count, width, device=device, dtype=dtype)
    return pipe(
        prompt_embeds=words, pooled_prompt_embeds=pooled, negative_prompt_embeds=words,
        negative_pooled_prompt_embeds=pooled, width=side, height=side, num_inference_steps=steps,
        guidance_scale=guidance, generator=generator, output_type="pt", return_dict=False,
    )[0]  # fmt: skip


def operations(steps: int, guided: bool, side: int = SIDE, scale: int = 1) -> float:
    """Floating-point operations of one image, counted on the architecture without memory (two per product and sum)."""
    with pipeline.quiet():
        from diffusers import AutoencoderKL, UNet2DConditionModel

        unet_config, vae_config = configurations(scale)
        with torch.device("meta"):
            unet: Any = UNet2DConditionModel(**unet_config)
            vae: Any = AutoencoderKL(**vae_config)
            cell = side // 8
            latents, time = torch.empty(1, 4, cell, cell), torch.empty(1)
            words = torch.empty(1, 77, unet_config["cross_attention_dim"])
            width = (
                unet_config["projection_class_embeddings_input_dim"]
                - 6 * unet_config["addition_time_embed_dim"]
            )
            more = {"text_embeds": torch.empty(1, width), "time_ids": torch.empty(1, 6)}
    with torch.no_grad():
        with FlopCounterMode(display=False) as step:
            unet(latents, time, words, added_cond_kwargs=more)
        with FlopCounterMode(display=False) as decoding:
            vae.decode(latents)
    return float(step.get_total_flops() * steps * (2 if guided else 1) + decoding.get_total_flops())


def matrix_speed(device: str, dtype: torch.dtype, side: int = 8192, repeats: int = 10) -> float:
    """Operations a second of a square matrix product: the fastest of several."""
    a = torch.randn(side, side, device=device, dtype=dtype)
    seconds = min(_timed(lambda: a @ a) for _ in range(repeats))
    return 2 * side**3 / seconds


def _median(work: Callable[[], Any], repeats: int) -> float:
    _timed(work)  # compiles, chooses kernels
    return median(_timed(work) for _ in range(repeats))


def _timed(work: Callable[[], Any]) -> float:
    started = perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - started
