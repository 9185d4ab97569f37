"""Real Stable Diffusion folders of a few thousand random weights, for tests that need a model and no picture of worth."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


@cache
def tiny_stable_diffusion() -> Path:
    """A folder as `save_pretrained` writes it: 64 px native, factor 8, byte tokenizer of 77 tokens. Do not change it."""
    from dco.generate.pipeline import quiet

    folder = Path(mkdtemp(prefix="dco-tiny-")) / "tiny"
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        _pipeline().save_pretrained(folder)
    (folder / "LICENSE.json").write_text('{"license": "Apache-2.0", "made": "random weights for tests"}')
    return folder


@cache
def tiny_sdxl() -> Path:
    """Stable Diffusion XL: two text encoders, sizes as conditions, an Euler schedule."""
    from dco.generate.pipeline import quiet

    folder = Path(mkdtemp(prefix="dco-tiny-")) / "sdxl"
    with quiet():
        from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        base = _pipeline()
        second = CLIPTextConfig(**{**base.text_encoder.config.to_dict(), "projection_dim": 16})
        StableDiffusionXLPipeline(
            vae=base.vae,
            text_encoder=base.text_encoder,
            text_encoder_2=CLIPTextModelWithProjection(second),
            tokenizer=base.tokenizer,
            tokenizer_2=base.tokenizer,
            unet=UNet2DConditionModel.from_config(
                base.unet.config,
                cross_attention_dim=32,
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                projection_class_embeddings_input_dim=8 * 6 + 16,
            ),
            scheduler=EulerDiscreteScheduler(steps_offset=1),
        ).save_pretrained(folder)
    return folder


@cache
def tiny_flux() -> Path:
    """FLUX: a transformer instead of a UNet, a T5 encoder beside CLIP, flow matching."""
    from dco.generate.pipeline import quiet

    folder = Path(mkdtemp(prefix="dco-tiny-")) / "flux"
    with quiet():
        from diffusers import (
            AutoencoderKL,
            FlowMatchEulerDiscreteScheduler,
            FluxPipeline,
            FluxTransformer2DModel,
        )
        from transformers import T5Config, T5EncoderModel, T5TokenizerFast

        base = _pipeline()
        pieces = ["<pad>", "</s>", "<unk>", *"\u2581abcdefghijklmnopqrstuvwxyz,"]
        FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=AutoencoderKL.from_config(
                base.vae.config, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False
            ),
            text_encoder=base.text_encoder,
            tokenizer=base.tokenizer,
            text_encoder_2=T5EncoderModel(
                T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
            ),
            tokenizer_2=T5TokenizerFast(vocab=[(piece, -float(n > 2)) for n, piece in enumerate(pieces)]),
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
            ),
        ).save_pretrained(folder)
    return folder


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
