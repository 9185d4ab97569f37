"""A loaded diffusers checkpoint of any allowed kind, drawing batches from noise or from renders."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from dco.errors import BadModel
from dco.generate import pipeline
from dco.generate.delta import Array
from dco.generate.model_folder import ModelFolder


class Checkpoint:
    """A pipeline on a device.

    Args:
        device: None takes a GPU where there is one.
        dtype: None takes bfloat16 or float16 on a GPU and float32 elsewhere: CPUs without bfloat16 units compute it
            2.5 times slower than float32.
    """

    def __init__(
        self, folder: ModelFolder, device: str | None, dtype: str | None, variant: str | None
    ) -> None:
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        kind = getattr(torch, dtype) if dtype else self._own_dtype()
        self._path = folder.path
        self._text = pipeline.load(folder, device=self.device, dtype=kind, variant=variant)
        if self.device == "cpu" and hasattr(self._text, "unet"):
            self._text.unet.to(memory_format=torch.channels_last)

    def _own_dtype(self) -> torch.dtype:
        if not self.device.startswith("cuda"):
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16

    @cached_property
    def _image(self) -> Any:
        return pipeline.image_to_image(self._text)

    @property
    def multiple(self) -> int:
        """Sides the model draws are multiples of this, in pixels: of its latents, and of how often it halves those."""
        factor = int(getattr(self._text, "vae_scale_factor", 8))
        unet = getattr(self._text, "unet", None)
        if unet is not None:
            return factor * 2 ** (len(unet.config.block_out_channels) - 1)
        return factor * 2

    @property
    def native_side(self) -> int | None:
        """Side in pixels of the square the model was trained at; None when its folder does not say."""
        network = getattr(self._text, "unet", None) or getattr(self._text, "transformer", None)
        sample = getattr(getattr(network, "config", None), "sample_size", None)
        sample = sample or getattr(self._text, "default_sample_size", None)
        if isinstance(sample, (list, tuple)):
            sample = max(sample)
        return int(sample) * int(getattr(self._text, "vae_scale_factor", 8)) if sample else None

    def prompt_problem(self, prompt: str) -> str | None:
        """Why no text encoder of the model reads the whole prompt, or None."""
        return pipeline.prompt_problem(self._text, prompt)

    @torch.inference_mode()
    def draw(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        size: tuple[int, int],
        steps: int,
        guidance: float,
        strength: float,
        starts: Array | None,
    ) -> Array:
        """Draw a batch.

        Args:
            size: (width, height), multiples of `multiple`.
            starts: float32[n, height, width, 3] in [0, 1] to start from; None starts from noise.

        Returns:
            float32[n, height, width, 3], meant to lie in [0, 1]; a value that is not finite stays so.
        """
        pipe = self._text if starts is None else self._image
        takes = inspect.signature(type(pipe).__call__).parameters
        arguments: dict[str, Any] = {
            "prompt": list(prompts),
            "num_inference_steps": steps,
            "generator": pipeline.seeds(seeds),
            # Floats: on the way to PIL the library casts NaN to black with no more than a warning.
            "output_type": "np",
            "return_dict": False,
        }
        for name, value in (("guidance_scale", guidance), ("width", size[0]), ("height", size[1])):
            if name in takes:
                arguments[name] = value
        if starts is not None:
            arguments["image"] = torch.from_numpy(starts).permute(0, 3, 1, 2).contiguous()
            arguments["strength"] = strength
        with pipeline.quiet():
            pictures = np.asarray(pipe(**arguments)[0], np.float32)
        if pictures.shape != (len(prompts), size[1], size[0], 3):
            raise BadModel(
                f"{self._path}: drew {list(pictures.shape)}; expected {[len(prompts), size[1], size[0], 3]}"
            )
        return pictures
