"""A loaded diffusers checkpoint of any allowed kind, drawing batches from noise, from pictures, or around what is kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from dco.errors import BadInput, BadModel
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.acceleration import accelerate, compiled
from dco.generate.diffusion.acceleration_options import Acceleration
from dco.generate.diffusion.delta import Array
from dco.generate.diffusion.latent_preview import LatentPreview
from dco.generate.diffusion.leaning import leaning
from dco.generate.diffusion.overlays import CONTROL_WEIGHT, Overlays
from dco.generate.models import kinds
from dco.generate.models.classes import ARCHITECTURE, FORMS
from dco.generate.models.folder import ModelFolder
from dco.generate.models.parts import Parts

OnStep = Callable[[int, int, Callable[[], Array]], None]
"""Called with (steps done, steps in all, what gives float32[n, h, w, 3] small pictures on their way)."""

_TRUE_GUIDANCE = frozenset({"Qwen-Image"})


class Checkpoint:
    """A pipeline on a device, and what was opened with it.

    Args:
        device: None takes a GPU where there is one.
        dtype: None takes bfloat16 or float16 on a GPU and float32 elsewhere: CPUs without bfloat16 units compute it
            2.5 times slower than float32.
        parts: ControlNet, IP-Adapter and LoRA adapters to lay over it.
        options: how it is made fast; None does what is exact and pays on the device.
    """

    def __init__(
        self,
        folder: ModelFolder,
        device: str | None,
        dtype: str | None,
        variant: str | None,
        parts: Parts | None = None,
        options: Acceleration | None = None,
    ) -> None:
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        kind = getattr(torch, dtype) if dtype else self._own_dtype()
        self._path, self._index = folder.path, folder.index
        self._architecture = ARCHITECTURE[folder.pipeline]
        self._kind, self._folder = kinds.recognise(folder), folder
        # Into main memory first: what does not fit a GPU is moved there in turn.
        self._text = pipeline.load(folder, device="cpu", dtype=kind, variant=variant)
        self._forms: dict[str, Any] = {"text": self._text}
        if self._kind.trailing:
            self._trail()
        self._parts = parts or Parts()
        self._overlays = Overlays(self._text, self._parts, kind, self.device)
        self._unet = getattr(self._text, "unet", None)
        overlaid = self._parts.ip_adapter is not None or bool(self._parts.adapters)
        accelerate(self._text, self.device, options, overlaid=overlaid)

    def _own_dtype(self) -> torch.dtype:
        if not self.device.startswith("cuda"):
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16

    def _trail(self) -> None:
        scheduler = self._text.scheduler
        if scheduler.config.get("timestep_spacing") not in (None, "trailing"):
            self._text.scheduler = type(scheduler).from_config(scheduler.config, timestep_spacing="trailing")

    @cached_property
    def _preview(self) -> LatentPreview:
        return LatentPreview(self._text)

    @property
    def multiple(self) -> int:
        """Sides the model draws are multiples of this, in pixels: of its latents, and of how often it halves those."""
        factor = int(getattr(self._text, "vae_scale_factor", 8))
        if self._unet is not None:
            return factor * 2 ** (len(self._unet.config.block_out_channels) - 1)
        return factor * 2

    @property
    def native_side(self) -> int | None:
        """Side in pixels of the square the model was trained at; None when its folder does not say."""
        network = self._unet or getattr(self._text, "transformer", None)
        sample = getattr(getattr(network, "config", None), "sample_size", None)
        sample = sample or getattr(self._text, "default_sample_size", None)
        if isinstance(sample, (list, tuple)):
            sample = max(sample)
        return int(sample) * int(getattr(self._text, "vae_scale_factor", 8)) if sample else None

    @cached_property
    def compiled(self) -> bool:
        """Whether a size it has not drawn yet costs a compilation."""
        return compiled(self._text)

    def prompt_problem(self, prompt: str) -> str | None:
        """Why no text encoder of the model reads the whole prompt, or None."""
        return pipeline.prompt_problem(self._text, prompt, self._kind.max_sequence)

    def guided(self, guidance: float) -> bool:
        """True where this guidance runs the denoiser on two prompts, so that a negative prompt plays a part."""
        return kinds.guided(self._folder, guidance)

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
        negatives: Sequence[str] | None = None,
        masks: Array | None = None,
        controls: Array | None = None,
        style: Array | None = None,
        adapters: Sequence[tuple[str, float]] = (),
        towards: Sequence[tuple[str, float]] = (),
        on_step: OnStep | None = None,
    ) -> Array:
        """Draw a batch.

        Args:
            size: (width, height), multiples of `multiple`.
            starts: float32[n, height, width, 3] in [0, 1] to start from; None starts from noise.
            negatives: what to avoid, one per picture; None states nothing.
            masks: float32[n, height, width] in [0, 1]; 1 is repainted. What is kept still goes through the decoder here.
            controls: float32[n, height, width, 3] in [0, 1], conditions for the ControlNet.
            style: float32[h, w, 3] in [0, 1], the IP-Adapter's reference for all of them.
            adapters: (name, weight) of the LoRA adapters to wear.
            towards: (prompt, lean) per picture, see `leaning`; none leans where it is empty.
            on_step: called after every step; what it raises stops the drawing.

        Returns:
            float32[n, height, width, 3], meant to lie in [0, 1]; a value that is not finite stays so.

        Raises:
                BadInput: the checkpoint does not draw in this form, or an adapter was not opened.
            BadModel: its networks do not fit together.
        """
        count, guided = len(prompts), self.guided(guidance)
        starts, masks, strength = self._for_inpaint_networks(count, size, starts, masks, strength)
        pipe = self._form(starts is not None, masks is not None, controls is not None)
        self._overlays.wear(adapters)
        given: dict[str, Any] = {
            "prompt": list(prompts),
            "num_inference_steps": steps,
            "generator": pipeline.seeds(seeds),
            # Floats: on the way to PIL the library casts NaN to black with no more than a warning.
            "output_type": "np",
            "return_dict": False,
            **self._overlays.style_arguments(style, guided),
        }
        takes = inspect.signature(type(pipe).__call__).parameters
        optional: dict[str, Any] = {"guidance_scale": guidance, "width": size[0], "height": size[1]}
        optional["max_sequence_length"] = self._kind.max_sequence
        if guided and self._architecture in _TRUE_GUIDANCE:
            optional["true_cfg_scale"] = guidance
            negatives = negatives or [" "] * count
        if guided and negatives:
            optional["negative_prompt"] = list(negatives)
        given |= {name: value for name, value in optional.items() if name in takes and value is not None}
        if style is not None and self._parts.ip_adapter is None:
            raise BadInput(
                f"{self._path}: a style picture needs an IP-Adapter; put one in the folder's ip_adapter/ or name its "
                "folder by the option ip_adapter"
            )
        if starts is not None:
            given |= {"image": _tensor(starts), "strength": strength}
        if masks is not None:
            given["mask_image"] = _tensor(masks[..., None])
        if controls is not None:
            given["control_image" if "control_image" in takes else "image"] = _tensor(controls)
            given["controlnet_conditioning_scale"] = CONTROL_WEIGHT
        if on_step and "callback_on_step_end" in takes:
            given["callback_on_step_end"] = self._watched(on_step, size)
        with pipeline.quiet(), leaning(pipe, [text for text, _ in towards], [lean for _, lean in towards]):
            pictures = np.asarray(pipe(**given)[0], np.float32)
        if pictures.shape != (count, size[1], size[0], 3):
            raise BadModel(
                f"{self._path}: drew {list(pictures.shape)}; expected {[count, size[1], size[0], 3]}"
            )
        return pictures

    def _for_inpaint_networks(
        self, count: int, size: tuple[int, int], starts: Array | None, masks: Array | None, strength: float
    ) -> tuple[Array | None, Array | None, float]:
        """A denoiser of 9 channels (latents, mask, masked latents) knows one form only: everything is repainting to it."""
        channels = int(self._unet.config.in_channels) if self._unet is not None else 0
        if channels in (0, 4, int(getattr(self._text.vae.config, "latent_channels", 4))):
            return starts, masks, strength
        if channels != 9:
            raise BadModel(
                f"{self._path}: its denoiser takes {channels} channels; expected 4, or 9 to inpaint"
            )
        if starts is None:
            starts, strength = np.full((count, size[1], size[0], 3), 0.5, np.float32), 1.0
        if masks is None:
            masks = np.ones((count, size[1], size[0]), np.float32)
        return starts, masks, strength

    def _form(self, start: bool, mask: bool, control: bool) -> Any:
        wanted = ("control " if control else "") + ("inpaint" if mask else "image" if start else "text")
        if wanted not in self._forms:
            if problem := self.form_problem(wanted):
                raise BadInput(problem)
            more = {"controlnet": self._overlays.controlnet, **self._index_settings()}
            self._forms[wanted] = pipeline.form(self._text, wanted, **more)
        return self._forms[wanted]

    def form_problem(self, wanted: str) -> str | None:
        """Why the checkpoint does not draw in a form of `FORMS`, or None."""
        can = [form for form in FORMS[self._architecture] if form != "control net"]
        if wanted not in can:
            return f"{self._architecture} checkpoints draw no {wanted!r}; they can: {', '.join(can)}"
        if wanted.startswith("control ") and self._overlays.controlnet is None:
            return (
                f"{self._path}: a control picture needs a ControlNet; put one in the folder's controlnet/ or name its "
                "folder by the option controlnet"
            )
        return None

    def _index_settings(self) -> dict[str, Any]:
        return {k: v for k, v in self._index.items() if isinstance(v, bool) and k not in self._text.config}

    def _watched(self, on_step: OnStep, size: tuple[int, int]) -> Callable[..., dict[str, Any]]:
        def at_step(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            steps, latents = int(getattr(pipe, "num_timesteps", 0) or 0), values["latents"]
            if self._preview.knows(latents):
                on_step(step + 1, max(steps, step + 1), lambda: self._preview(latents, size))
            return {}

        return at_step


def _tensor(pictures: Array) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
