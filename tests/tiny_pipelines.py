"""Real Stable Diffusion folders of a few thousand random weights, for tests that need a model and no picture of worth."""

from __future__ import annotations

import atexit
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


def scratch() -> Path:
    """A folder that is gone when the process ends."""
    folder = Path(mkdtemp(prefix="dco-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def tiny_stable_diffusion() -> Path:
    """A folder as `save_pretrained` writes it: 64 px native, factor 8, byte tokenizer of 77 tokens. Do not change it."""
    from dco.generate.diffusion.pipeline import quiet

    folder = scratch() / "tiny"
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        _pipeline().save_pretrained(folder)
    (folder / "LICENSE.json").write_text('{"license": "Apache-2.0", "made": "random weights for tests"}')
    return folder


@cache
def tiny_reader() -> Path:
    """Stable Diffusion whose encoder has room for 512 of its tokens, which are bytes: whole sentences fit."""

    def change(base: Any) -> Any:
        from transformers import CLIPTextConfig, CLIPTextModel

        config = {**base.text_encoder.config.to_dict(), "max_position_embeddings": 512}
        base.text_encoder = CLIPTextModel(CLIPTextConfig(**config))
        base.tokenizer.model_max_length = 512
        return base

    return _saved("reader", change)


@cache
def tiny_lcm() -> Path:
    """A latent consistency model: the guidance is a condition of the denoiser, the schedule its own."""

    def change(base: Any) -> Any:
        from diffusers import LatentConsistencyModelPipeline, LCMScheduler, UNet2DConditionModel

        unet = UNet2DConditionModel.from_config(base.unet.config, time_cond_proj_dim=8)
        parts = {**base.components, "unet": unet, "scheduler": LCMScheduler(steps_offset=1)}
        del parts["image_encoder"]
        return LatentConsistencyModelPipeline(**parts, requires_safety_checker=False)

    return _saved("lcm", change)


@cache
def tiny_inpaint() -> Path:
    """Stable Diffusion with a denoiser of 9 channels: latents, mask, masked latents."""

    def change(base: Any) -> Any:
        from diffusers import StableDiffusionInpaintPipeline, UNet2DConditionModel

        unet = UNet2DConditionModel.from_config(base.unet.config, in_channels=9)
        parts = {**base.components, "unet": unet}
        return StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)

    return _saved("inpaint", change)


@cache
def tiny_sdxl() -> Path:
    """Stable Diffusion XL: two text encoders, sizes as conditions, an Euler schedule."""

    def change(base: Any) -> Any:
        from diffusers import EulerDiscreteScheduler

        return _xl(base, EulerDiscreteScheduler(steps_offset=1, timestep_spacing="leading"))

    return _saved("sdxl", change)


@cache
def tiny_turbo() -> Path:
    """SDXL as Turbo is published: ancestral Euler on trailing timesteps."""

    def change(base: Any) -> Any:
        from diffusers import EulerAncestralDiscreteScheduler

        return _xl(base, EulerAncestralDiscreteScheduler(steps_offset=1, timestep_spacing="trailing"))

    return _saved("few", change)


@cache
def tiny_sd3() -> Path:
    """Stable Diffusion 3.5: a transformer, three text encoders of which the last is T5, flow matching."""

    def change(base: Any) -> Any:
        from diffusers import (
            AutoencoderKL,
            FlowMatchEulerDiscreteScheduler,
            SD3Transformer2DModel,
            StableDiffusion3Pipeline,
        )

        first, second = _projected(base), _projected(base)
        t5, t5_tokenizer = _t5(32)
        return StableDiffusion3Pipeline(
            transformer=SD3Transformer2DModel(
                sample_size=8,
                patch_size=1,
                in_channels=16,
                out_channels=16,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=4,
                joint_attention_dim=32,
                caption_projection_dim=32,
                pooled_projection_dim=32,
                qk_norm="rms_norm",
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=AutoencoderKL.from_config(
                base.vae.config,
                latent_channels=16,
                shift_factor=0.1,
                use_quant_conv=False,
                use_post_quant_conv=False,
            ),
            text_encoder=first,
            tokenizer=base.tokenizer,
            text_encoder_2=second,
            tokenizer_2=base.tokenizer,
            text_encoder_3=t5,
            tokenizer_3=t5_tokenizer,
        )

    return _saved("sd3", change)


@cache
def tiny_flux(guidance: bool = False) -> Path:
    """FLUX: a transformer instead of a UNet, a T5 encoder beside CLIP, flow matching; schnell, or dev with its embedded
    guidance."""

    def change(base: Any) -> Any:
        from diffusers import (
            AutoencoderKL,
            FlowMatchEulerDiscreteScheduler,
            FluxPipeline,
            FluxTransformer2DModel,
        )

        t5, t5_tokenizer = _t5(16)
        return FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=guidance),
            vae=AutoencoderKL.from_config(
                base.vae.config, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False
            ),
            text_encoder=base.text_encoder,
            tokenizer=base.tokenizer,
            text_encoder_2=t5,
            tokenizer_2=t5_tokenizer,
            transformer=FluxTransformer2DModel(
                patch_size=1,
                in_channels=16,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=16,
                pooled_projection_dim=16,
                axes_dims_rope=(4, 4, 8),
                guidance_embeds=guidance,
            ),
        )

    return _saved("flux", change)


def add_controlnet(checkpoint: Path, folder: Path) -> Path:
    """A ControlNet of random weights for a tiny checkpoint, as `save_pretrained` writes it."""
    from dco.generate.diffusion.pipeline import quiet

    with quiet():
        import torch
        from diffusers import (
            ControlNetModel,
            FluxControlNetModel,
            FluxTransformer2DModel,
            SD3ControlNetModel,
            SD3Transformer2DModel,
            UNet2DConditionModel,
        )

        torch.manual_seed(1)
        if (checkpoint / "unet").is_dir():
            unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet", use_safetensors=True)
            net: Any = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 4, 8))
        elif "guidance_embeds" in (checkpoint / "transformer" / "config.json").read_text():
            flux = FluxTransformer2DModel.from_pretrained(checkpoint / "transformer", use_safetensors=True)
            net = FluxControlNetModel.from_transformer(
                flux, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2
            )
        else:
            sd3 = SD3Transformer2DModel.from_pretrained(checkpoint / "transformer", use_safetensors=True)
            net = SD3ControlNetModel.from_transformer(sd3, num_layers=1, num_extra_conditioning_channels=0)
        for name, weights in net.named_parameters():
            # Such a network starts out saying nothing: these are the layers that silence it.
            if "controlnet" in name or "zero" in name or "cond_embedding.conv_out" in name:
                torch.nn.init.normal_(weights, std=0.5)
        net.save_pretrained(folder)
    return folder


def add_ip_adapter(checkpoint: Path, folder: Path) -> Path:
    """An IP-Adapter of random weights with its image encoder, in the layout its authors publish."""
    from dco.generate.diffusion.pipeline import quiet

    with quiet():
        import torch
        from diffusers import UNet2DConditionModel
        from safetensors.torch import save_file
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        torch.manual_seed(2)
        unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet", use_safetensors=True)
        width, seen = unet.config.cross_attention_dim, 16
        CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
                projection_dim=seen,
            )
        ).save_pretrained(folder / "image_encoder")
        tensors = {
            "image_proj.proj.weight": torch.randn(4 * width, seen),
            "image_proj.proj.bias": torch.randn(4 * width),
            "image_proj.norm.weight": torch.ones(width),
            "image_proj.norm.bias": torch.zeros(width),
        }
        crossed = [name for name in unet.attn_processors if "attn2" in name]
        # The authors number the layers of the denoiser's list of attention layers; those across are the odd ones.
        for number, name in enumerate(unet.attn_processors):
            if name in crossed:
                inner = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
                for key in ("to_k_ip", "to_v_ip"):
                    tensors[f"ip_adapter.{number}.{key}.weight"] = torch.randn(inner, width)
        save_file(tensors, folder / "ip-adapter.safetensors")
    return folder


def add_lora(checkpoint: Path, folder: Path, seed: int = 3) -> Path:
    """A LoRA adapter of random weights, made by peft and written by diffusers."""
    from dco.generate.diffusion.pipeline import load, quiet

    with quiet():
        import torch
        from peft import LoraConfig
        from peft.utils import get_peft_model_state_dict

        from dco.generate.models.folder import check

        torch.manual_seed(seed)
        pipe = load(check(checkpoint), device="cpu", dtype=torch.float32)
        name = "unet" if hasattr(pipe, "unet") else "transformer"
        network = getattr(pipe, name)
        network.add_adapter(LoraConfig(r=2, target_modules=["to_k", "to_q"], init_lora_weights=False))
        layers = {f"{name}_lora_layers": get_peft_model_state_dict(network)}
        type(pipe).save_lora_weights(folder, safe_serialization=True, **layers)
    return folder


def _saved(name: str, change: Callable[[Any], Any]) -> Path:
    from dco.generate.diffusion.pipeline import quiet

    folder = scratch() / name
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        change(_pipeline()).save_pretrained(folder)
    return folder


def _xl(base: Any, scheduler: Any) -> Any:
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

    return StableDiffusionXLPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        text_encoder_2=_projected(base),
        tokenizer=base.tokenizer,
        tokenizer_2=base.tokenizer,
        unet=UNet2DConditionModel.from_config(
            base.unet.config,
            cross_attention_dim=32,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=8 * 6 + 16,
        ),
        scheduler=scheduler,
    )


def _projected(base: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    return CLIPTextModelWithProjection(
        CLIPTextConfig(**{**base.text_encoder.config.to_dict(), "projection_dim": 16})
    )


def _t5(width: int) -> tuple[Any, Any]:
    from transformers import T5Config, T5EncoderModel, T5TokenizerFast

    pieces = ["<pad>", "</s>", "<unk>", *"\u2581abcdefghijklmnopqrstuvwxyz,"]
    encoder = T5EncoderModel(
        T5Config(vocab_size=64, d_model=width, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )
    return encoder, T5TokenizerFast(vocab=[(piece, -float(n > 2)) for n, piece in enumerate(pieces)])


def _pipeline() -> Any:
    import torch
    from diffusers import (
        AutoencoderKL,
        DPMSolverMultistepScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    torch.manual_seed(0)
    letters = list(bytes_to_unicode().values())
    words = dict.fromkeys([*letters, *(f"{x}</w>" for x in letters), "<|startoftext|>", "<|endoftext|>"])
    vocab = {word: number for number, word in enumerate(words)}
    start, end = vocab["<|startoftext|>"], vocab["<|endoftext|>"]
    return StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(4, 4, 4, 4),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            norm_num_groups=2,
            sample_size=64,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(vocab),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=77,
                bos_token_id=start,
                eos_token_id=end,
                pad_token_id=end,
            )
        ),
        tokenizer=CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77),
        unet=UNet2DConditionModel(
            sample_size=8,
            in_channels=4,
            out_channels=4,
            block_out_channels=(8, 16),
            layers_per_block=1,
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
