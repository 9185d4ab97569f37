"""The classes a model folder may name: pipelines, and parts that hold weights, tokenizers or schedules.

A new kind of model is one more name here, after reading what its class does while it loads.
"""

from __future__ import annotations

PIPELINES = frozenset(
    {
        "StableDiffusionPipeline",
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionXLPipeline",
        "StableDiffusionXLImg2ImgPipeline",
        "StableDiffusion3Pipeline",
        "StableDiffusion3Img2ImgPipeline",
        "FluxPipeline",
        "FluxImg2ImgPipeline",
        "LatentConsistencyModelPipeline",
        "LatentConsistencyModelImg2ImgPipeline",
        "PixArtSigmaPipeline",
        "PixArtAlphaPipeline",
        "SanaPipeline",
        "QwenImagePipeline",
        "ZImagePipeline",
    }
)

_SCHEDULERS = [
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "HeunDiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]
_NETWORKS = [
    "AutoencoderDC",
    "AutoencoderKL",
    "AutoencoderKLQwenImage",
    "AutoencoderTiny",
    "FluxTransformer2DModel",
    "PixArtTransformer2DModel",
    "QwenImageTransformer2DModel",
    "SD3Transformer2DModel",
    "SanaTransformer2DModel",
    "UNet2DConditionModel",
    "ZImageTransformer2DModel",
]
_ENCODERS = [
    "CLIPFeatureExtractor",
    "CLIPImageProcessor",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPTokenizer",
    "CLIPTokenizerFast",
    "CLIPVisionModelWithProjection",
    "Gemma2Model",
    "GemmaTokenizer",
    "GemmaTokenizerFast",
    "Qwen2Tokenizer",
    "Qwen2TokenizerFast",
    "Qwen2_5_VLForConditionalGeneration",
    "Qwen3ForCausalLM",
    "Qwen3Model",
    "T5EncoderModel",
    "T5Tokenizer",
    "T5TokenizerFast",
]
CLASSES = frozenset(
    [("diffusers", name) for name in (*_SCHEDULERS, *_NETWORKS)]
    + [("transformers", name) for name in _ENCODERS]
    + [("stable_diffusion", "StableDiffusionSafetyChecker"), ("dco.generate.autoencoder", "PatchAutoencoder")]
)
"""(library, class) pairs a component may name."""
