"""Judged pieces laid over a loaded checkpoint: LoRA adapters, an IP-Adapter, a ControlNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dco.errors import BadInput, BadModel
from dco.generate.batching import reason
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.delta import Array, resize
from dco.generate.models.folder import common_variant
from dco.generate.models.parts import Part, Parts

STYLE_WEIGHT = 0.6
"""How much of a style reference shows; above it the prompt is overruled (the authors of IP-Adapter use .5 to .8)."""

CONTROL_WEIGHT = 0.7
"""How strictly a condition is followed; at 1 the lines of a drawn render show through as lines."""

_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
"""Colour statistics that CLIP's image encoders are trained with."""


class Overlays:
    """What was opened with a checkpoint, at work on its networks."""

    def __init__(self, pipe: Any, parts: Parts, dtype: torch.dtype, device: str) -> None:
        self._pipe, self._parts, self._dtype, self._device = pipe, parts, dtype, device
        self._worn: tuple[tuple[str, float], ...] | None = None
        self._embeddings: dict[bytes, tuple[Tensor, Tensor]] = {}
        for name, part in parts.adapters.items():
            _load_adapter(pipe, name, part)
        if parts.ip_adapter and parts.image_encoder:
            self._load_ip_adapter(parts.ip_adapter, parts.image_encoder)
        self.controlnet = self._load_controlnet(parts.controlnet) if parts.controlnet else None

    def wear(self, adapters: Sequence[tuple[str, float]]) -> None:
        """Switch the LoRA adapters; none of them leaves the checkpoint as it was.

        Raises:
            BadInput: a name that was not opened.
        """
        wanted = tuple(adapters) or self._parts.worn
        for name, _ in wanted:
            if name not in self._parts.adapters:
                opened = ", ".join(sorted(self._parts.adapters)) or "none"
                raise BadInput(f"request, adapters: {name!r} is not open (opened with the backend: {opened})")
        if not self._parts.adapters or wanted == self._worn:
            return
        if wanted:
            self._pipe.enable_lora()
            self._pipe.set_adapters([name for name, _ in wanted], [weight for _, weight in wanted])
        else:
            self._pipe.disable_lora()
        self._worn = wanted

    def style_arguments(self, style: Array | None, guided: bool) -> dict[str, Any]:
        """Arguments of the pipeline that carry a style reference; a loaded IP-Adapter wants some in any case.

        One reference serves a whole batch: the pipelines repeat what they are given once per picture, and would mix the
        references of a batch into each of its pictures.

        Args:
            style: float32[h, w, 3] in [0, 1]; None for pictures without.
            guided: True where classifier-free guidance runs the denoiser on two prompts.
        """
        if self._parts.ip_adapter is None:
            return {}
        self._pipe.set_ip_adapter_scale(STYLE_WEIGHT if style is not None else 0.0)
        some, none = self._embedding(np.zeros((8, 8, 3), np.float32) if style is None else style)
        return {"ip_adapter_image_embeds": [(torch.cat([none, some]) if guided else some)[:, None]]}

    def _embedding(self, picture: Array) -> tuple[Tensor, Tensor]:
        key = picture.tobytes()
        if key not in self._embeddings:
            if len(self._embeddings) >= 64:
                self._embeddings.clear()
            side = self._pipe.image_encoder.config.image_size
            h, w = picture.shape[:2]
            edge = min(h, w)
            square = picture[(h - edge) // 2 :, (w - edge) // 2 :][:edge, :edge]
            small = np.clip(resize(square, (side, side), Image.Resampling.BICUBIC), 0, 1)
            tensor = torch.from_numpy((small - _MEAN) / _STD).permute(2, 0, 1)[None].contiguous()
            layer = self._pipe.unet.encoder_hid_proj.image_projection_layers[0]
            # Each alone, so that its neighbours cannot move a bit of it.
            some, none = self._pipe.encode_image(
                tensor, self._device, 1, type(layer).__name__ != "ImageProjection"
            )
            self._embeddings[key] = (some, none)
        return self._embeddings[key]

    def _load_ip_adapter(self, part: Part, encoder: Part) -> None:
        from safetensors.torch import load_file
        from transformers import CLIPImageProcessor

        files = sorted(encoder.path.iterdir())
        network = pipeline.network(
            "transformers", encoder.class_name, encoder.path, dtype=self._dtype, variant=common_variant(files)
        ).to(self._device)
        groups: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
        for name, tensor in load_file(str(part.weights)).items():
            group, _, inner = name.partition(".")
            if group in groups:
                groups[group][inner] = tensor
        with pipeline.quiet():
            self._pipe.register_modules(image_encoder=network, feature_extractor=CLIPImageProcessor())
            try:
                self._pipe.load_ip_adapter(groups, subfolder="", weight_name="", image_encoder_folder=None)
            except Exception as error:
                raise BadModel(f"{part.weights}: does not fit the checkpoint ({reason(error)})") from error

    def _load_controlnet(self, part: Part) -> Any:
        variant = common_variant(part.path.iterdir())
        found = pipeline.network("diffusers", part.class_name, part.path, dtype=self._dtype, variant=variant)
        return found.to(self._device)


def _load_adapter(pipe: Any, name: str, part: Part) -> None:
    assert part.weights is not None  # the gate opens no adapter without
    if not hasattr(pipe, "load_lora_weights"):
        raise BadModel(f"{part.path}: {type(pipe).__name__} takes no LoRA adapter")
    with pipeline.quiet():
        try:
            pipe.load_lora_weights(
                str(part.weights.parent),
                weight_name=part.weights.name,
                adapter_name=name,
                use_safetensors=True,
                local_files_only=True,
            )
        except Exception as error:
            raise BadModel(f"{part.weights}: does not fit the checkpoint ({reason(error)})") from error
    # diffusers only warns when no tensor's name is one of the model's.
    if name not in {one for names in pipe.get_list_adapters().values() for one in names}:
        raise BadModel(f"{part.weights}: none of its tensors belongs to a {type(pipe).__name__}")
