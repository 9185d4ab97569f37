"""A loaded pipeline made fast on its device, by the means diffusers offers; options are judged in `acceleration_options`.

On a GPU: half precision (chosen when loading), scaled-dot-product attention (what diffusers calls by itself), channels
last, fused projections, compiled blocks, offloading when memory is short. On a CPU: channels last and nothing else;
compiling took minutes there for a seventh of the time, half precision without its units was 2.5 times slower.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import nn

from dco.errors import BadInput, BadModel
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.acceleration_options import Acceleration, Offload, offload_plan


def accelerate(
    pipe: Any,
    device: str,
    options: Acceleration | None = None,
    *,
    overlaid: bool = False,
    free: int | None = None,
) -> Offload:
    """Move a pipeline to its device and make it fast there, in place.

    Args:
        pipe: a diffusers pipeline in main memory or on its device, already in its type.
        device: "cuda", "cuda:1", "cpu", ...
        overlaid: True where LoRA or IP-Adapter layers lie over the denoiser; projections are then not fused, because both
            replace the very layers that fusing joins.
        free: bytes of free device memory; default what the driver says.

    Returns:
        Where the weights are kept.

    Raises:
        BadInput: an option this model or this machine cannot do.
        BadModel: the small decoder does not fit the model's latents.
    """
    options = options or Acceleration()
    denoiser, on_gpu = _denoiser(pipe), device.startswith("cuda")
    _refuse(pipe, denoiser, options, on_gpu, overlaid)
    if options.tiny_vae:
        _tiny_vae(pipe, options.tiny_vae)
    if _on(options.fused_qkv, on_gpu and not overlaid and hasattr(denoiser, "fuse_qkv_projections")):
        with pipeline.quiet():
            denoiser.fuse_qkv_projections()
    if options.first_block_cache:
        from diffusers.hooks import FirstBlockCacheConfig

        denoiser.enable_cache(FirstBlockCacheConfig(threshold=options.first_block_cache))
    if options.fp8_weights:
        denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype)
    if options.fp8:
        _fp8(denoiser)
    placed = _place(pipe, device, options, on_gpu, free)
    for part in (denoiser, getattr(pipe, "vae", None)):
        if part is not None and _convolves(part):
            part.to(memory_format=torch.channels_last)
    if _on(options.vae_tiling, placed != "none") and hasattr(pipe.vae, "enable_tiling"):
        pipe.vae.enable_tiling()
    if _on(options.compile, on_gpu and placed == "none" and _compiles()):
        denoiser.compile_repeated_blocks(fullgraph=not overlaid)
    return placed


def compiled(pipe: Any) -> bool:
    """True where parts of the denoiser are compiled: every new shape then costs a compilation."""
    return any(part._compiled_call_impl is not None for part in _denoiser(pipe).modules())


def component_bytes(pipe: Any) -> dict[str, int]:
    """Bytes of every component's weights and buffers, as they are held now."""
    parts = {name: part for name, part in pipe.components.items() if isinstance(part, nn.Module)}
    return {
        name: sum(t.numel() * t.element_size() for t in (*part.parameters(), *part.buffers()))
        for name, part in parts.items()
    }


def _refuse(pipe: Any, denoiser: Any, options: Acceleration, on_gpu: bool, overlaid: bool) -> None:
    where, kind = "backend option accelerate", type(denoiser).__name__
    if not on_gpu:
        for name in ("compile", "fp8"):
            if getattr(options, name) is True:
                raise BadInput(f"{where}, {name}: needs a CUDA device; leave it out on a CPU")
        if options.offload in ("model", "sequential"):
            raise BadInput(
                f"{where}, offload: {options.offload} moves weights to a GPU, and there is none; leave it out"
            )
    if options.fused_qkv is True and overlaid:
        raise BadInput(f"{where}, fused_qkv: not with LoRA or IP-Adapter layers; leave one of them out")
    for name, method in (
        ("fused_qkv", "fuse_qkv_projections"),
        ("compile", "compile_repeated_blocks"),
        ("fp8_weights", "enable_layerwise_casting"),
    ):
        if getattr(options, name) is True and not hasattr(denoiser, method):
            raise BadInput(f"{where}, {name}: {kind} has no {method}; leave it out")
    if options.first_block_cache and not hasattr(denoiser, "enable_cache"):
        raise BadInput(
            f"{where}, first_block_cache: {kind} cannot cache its first block, only transformers can; leave it out"
        )
    if options.fp8 and importlib.util.find_spec("torchao") is None:
        raise BadInput(
            f"{where}, fp8: needs the package torchao, which is not installed; fp8_weights needs none"
        )
    if options.compile is True and options.offload in ("model", "sequential"):
        raise BadInput(
            f"{where}: compile and offload exclude each other; compiled weights cannot be moved in turn"
        )


def _place(pipe: Any, device: str, options: Acceleration, on_gpu: bool, free: int | None) -> Offload:
    if not on_gpu:
        pipe.to(device)
        return "none"
    room = torch.cuda.mem_get_info(device)[0] if free is None else free
    placed = offload_plan(component_bytes(pipe), room, options.offload)
    if placed == "none":
        pipe.to(device)
    elif placed == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)
    return placed


def _tiny_vae(pipe: Any, folder: str) -> None:
    with pipeline.quiet():
        from diffusers import AutoencoderTiny

        try:
            tiny = AutoencoderTiny.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, torch_dtype=pipe.vae.dtype
            )
        except Exception as error:
            raise BadModel(f"{folder}: cannot be loaded as AutoencoderTiny ({error})") from error
    ours, theirs = tiny.config.latent_channels, pipe.vae.config.latent_channels
    if ours != theirs:
        raise BadModel(f"{folder}: decodes {ours} latent channels; the model's latents have {theirs}")
    pipe.register_modules(vae=tiny.eval())


def _fp8(denoiser: Any) -> None:
    from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, quantize_

    quantize_(denoiser, Float8DynamicActivationFloat8WeightConfig())


def _convolves(part: Any) -> bool:
    """Memory layout matters to convolutions only; a transformer has none worth it."""
    return isinstance(part, nn.Module) and any(isinstance(m, nn.Conv2d) for m in part.modules())


def _denoiser(pipe: Any) -> Any:
    return getattr(pipe, "unet", None) or pipe.transformer


def _on(asked: bool | str, otherwise: bool) -> bool:
    return otherwise if asked == "auto" else bool(asked)


def _compiles() -> bool:
    return importlib.util.find_spec("triton") is not None
