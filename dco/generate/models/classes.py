"""The classes a model folder may name: pipelines, and parts that hold weights, tokenizers or schedules.

A new kind of model is one more name here, after reading what its class does while it loads.
"""

from __future__ import annotations

FORMS: dict[str, dict[str, str]] = {
    "Stable Diffusion": {
        "text": "StableDiffusionPipeline",
        "image": "StableDiffusionImg2ImgPipeline",
        "inpaint": "StableDiffusionInpaintPipeline",
        "control text": "StableDiffusionControlNetPipeline",
        "control image": "StableDiffusionControlNetImg2ImgPipeline",
        "control inpaint": "StableDiffusionControlNetInpaintPipeline",
        "control net": "ControlNetModel",
    },
    "Stable Diffusion XL": {
        "text": "StableDiffusionXLPipeline",
        "image": "StableDiffusionXLImg2ImgPipeline",
        "inpaint": "StableDiffusionXLInpaintPipeline",
        "control text": "StableDiffusionXLControlNetPipeline",
        "control image": "StableDiffusionXLControlNetImg2ImgPipeline",
        "control inpaint": "StableDiffusionXLControlNetInpaintPipeline",
        "control net": "ControlNetModel",
    },
    "Stable Diffusion 3": {
        "text": "StableDiffusion3Pipeline",
        "image": "StableDiffusion3Img2ImgPipeline",
        "inpaint": "StableDiffusion3InpaintPipeline",
        "control text": "StableDiffusion3ControlNetPipeline",
        "control net": "SD3ControlNetModel",
    },
    "FLUX": {
        "text": "FluxPipeline",
        "image": "FluxImg2ImgPipeline",
        "inpaint": "FluxInpaintPipeline",
        "control text": "FluxControlNetPipeline",
        "control image": "FluxControlNetImg2ImgPipeline",
        "control inpaint": "FluxControlNetInpaintPipeline",
        "control net": "FluxControlNetModel",
    },
    "Qwen-Image": {
        "text": "QwenImagePipeline",
        "image": "QwenImageImg2ImgPipeline",
        "inpaint": "QwenImageInpaintPipeline",
    },
    "Z-Image": {
        "text": "ZImagePipeline",
        "image": "ZImageImg2ImgPipeline",
        "inpaint": "ZImageInpaintPipeline",
    },
    "PixArt alpha": {"text": "PixArtAlphaPipeline"},
    "PixArt sigma": {"text": "PixArtSigmaPipeline"},
    "Sana": {"text": "SanaPipeline"},
}
"""What an architecture can do, and the pipeline class that does it over the same weights; "control net" is the class
of the network that the "control ..." forms need."""

_SAME_AS = {
    # Latent consistency models are Stable Diffusion with an embedded guidance, which its own pipelines understand.
    "LatentConsistencyModelPipeline": "Stable Diffusion",
    "LatentConsistencyModelImg2ImgPipeline": "Stable Diffusion",
}
ARCHITECTURE = _SAME_AS | {
    name: kind for kind, forms in FORMS.items() for form, name in forms.items() if form != "control net"
}
"""Pipeline class -> architecture."""

PIPELINES = frozenset(ARCHITECTURE)
"""Pipeline classes an index may name."""

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
    "ControlNetModel",
    "FluxControlNetModel",
    "FluxTransformer2DModel",
    "PixArtTransformer2DModel",
    "QwenImageTransformer2DModel",
    "SD3ControlNetModel",
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
