"""Kinds of checkpoints by the configurations their makers publish, copied here in the parts that matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dco.errors import BadModel
from dco.generate.models.folder import ModelFolder
from dco.generate.models.kinds import CheckpointKind, recognise
from dco.generate.request import fewest_steps

EULER = {"_class_name": "EulerDiscreteScheduler"}
ANCESTRAL = {"_class_name": "EulerAncestralDiscreteScheduler"}
FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler"}
SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
SD3, FLUX = "StableDiffusion3Pipeline", "FluxPipeline"


def folder(
    root: Path, pipeline: str, scheduler: dict[str, Any], network: dict[str, Any], hint: object = None
) -> ModelFolder:
    part = (
        "unet"
        if pipeline.startswith(("StableDiffusionP", "StableDiffusionX", "Latent", "StableDiffusionI"))
        else "transformer"
    )
    (root / "scheduler").mkdir(parents=True)
    (root / part).mkdir()
    (root / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    (root / part / "config.json").write_text(json.dumps(network))
    if hint is not None:
        (root / "dco.json").write_text(hint if isinstance(hint, str) else json.dumps(hint))
    return ModelFolder(root, pipeline, {part: ("diffusers", ""), "scheduler": ("diffusers", "")}, ())


KNOWN: dict[str, tuple[str, dict[str, Any], dict[str, Any], str, int, float]] = {
    "sd-1.5": (SD, {"_class_name": "PNDMScheduler"}, {}, "m", 30, 7.0),
    "sd-2.1": (SD, {"_class_name": "DDIMScheduler", "timestep_spacing": "leading"}, {}, "m", 30, 7.0),
    "sd-1.5 inpainting": ("StableDiffusionInpaintPipeline", {"_class_name": "DDIMScheduler"}, {"in_channels": 9}, "m", 30, 7.0),
    "sd-turbo": (SD, {**EULER, "timestep_spacing": "trailing"}, {}, "m", 4, 0.0),
    "sdxl": (XL, {**EULER, "timestep_spacing": "leading"}, {}, "m", 30, 6.0),
    "sdxl-turbo": (XL, {**ANCESTRAL, "timestep_spacing": "trailing"}, {}, "m", 4, 0.0),
    "sdxl-lightning, trailing": (XL, {**EULER, "timestep_spacing": "trailing"}, {}, "m", 4, 0.0),
    "sdxl-lightning, by name": (XL, {**EULER, "timestep_spacing": "leading"}, {}, "SDXL-Lightning-8step", 8, 0.0),
    "an ordinary model with a long word": (XL, EULER, {}, "hyperrealistic-lightningbolt", 30, 6.0),
    "lcm": ("LatentConsistencyModelPipeline", {"_class_name": "LCMScheduler"}, {"time_cond_proj_dim": 256}, "m", 6, 8.0),
    "lcm without embedded guidance": (XL, {"_class_name": "LCMScheduler"}, {"time_cond_proj_dim": None}, "m", 6, 1.0),
    "hyper-sd": (XL, {"_class_name": "TCDScheduler"}, {}, "m", 6, 1.0),
    "sd3-medium": (SD3, FLOW, {"num_layers": 24, "qk_norm": None}, "m", 28, 7.0),
    "sd3.5-medium": (SD3, FLOW, {"num_layers": 24, "qk_norm": "rms_norm"}, "m", 28, 4.5),
    "sd3.5-large": (SD3, FLOW, {"num_layers": 38, "qk_norm": "rms_norm"}, "m", 28, 4.5),
    "sd3.5-large-turbo": (SD3, FLOW, {"num_layers": 38}, "stable-diffusion-3.5-large-turbo", 4, 0.0),
    "flux-dev": (FLUX, {**FLOW, "use_dynamic_shifting": True}, {"guidance_embeds": True}, "m", 28, 3.5),
    "flux-schnell": (FLUX, FLOW, {"guidance_embeds": False}, "m", 4, 0.0),
    "pixart": ("PixArtSigmaPipeline", FLOW, {}, "m", 20, 4.5),
    "z-image-turbo": ("ZImagePipeline", FLOW, {}, "Z-Image-Turbo", 9, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_checkpoint_gets_the_steps_and_guidance_its_makers_publish(name: str, tmp_path: Path) -> None:
    pipeline, scheduler, network, at, steps, guidance = KNOWN[name]
    kind = recognise(folder(tmp_path / at, pipeline, scheduler, network))
    assert (kind.steps, kind.guidance) == (steps, guidance), kind
    # What it does by default is possible: at least one step is left of a few-step model, and two in fact.
    assert int(kind.steps * kind.strength) >= 2
    assert kind.steps >= fewest_steps(kind.strength)


def test_lightning_asks_for_trailing_timesteps_and_schnell_ends_at_256_tokens(tmp_path: Path) -> None:
    light = recognise(
        folder(tmp_path / "sdxl_lightning_2step", XL, {**EULER, "timestep_spacing": "leading"}, {})
    )
    assert light == CheckpointKind("Stable Diffusion XL Lightning", 2, 0.0, trailing=True)
    assert recognise(folder(tmp_path / "f", FLUX, FLOW, {})).max_sequence == 256
    assert recognise(folder(tmp_path / "d", FLUX, FLOW, {"guidance_embeds": True})).max_sequence == 512


def test_the_name_of_a_repository_counts_in_a_hub_cache(tmp_path: Path) -> None:
    place = tmp_path / "models--stabilityai--stable-diffusion-3.5-large-turbo" / "snapshots" / ("0" * 40)
    assert recognise(folder(place, SD3, FLOW, {"num_layers": 38})).steps == 4


def test_the_hint_file_has_the_last_word(tmp_path: Path) -> None:
    hint = {"steps": 8, "guidance": 1, "strength": 0.5, "max_sequence": 128, "trailing": True}
    kind = recognise(folder(tmp_path / "m", XL, EULER, {}, hint))
    assert kind == CheckpointKind("Stable Diffusion XL", 8, 1, 0.5, 128, trailing=True)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ("[]", "JSON object"),
        ("{", "not JSON"),
        ({"step": 4}, "'step' means nothing"),
        ({"steps": 0}, "1 to 200"),
        ({"steps": 2.5}, "1 to 200"),
        ({"steps": True}, "1 to 200"),
        ({"guidance": "7"}, "0 to 50"),
        ({"guidance": float("nan")}, "0 to 50"),
        ({"trailing": 1}, "true or false"),
    ],
)
def test_a_hint_that_cannot_be_read_is_refused_by_name(hint: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=words) as caught:
        recognise(folder(tmp_path / "m", XL, EULER, {}, hint))
    assert "dco.json" in str(caught.value) and "\n" not in str(caught.value)


def test_no_torch_is_imported_to_tell_a_kind() -> None:
    code = (
        "import sys, dco.generate.models.kinds, dco.generate.models.parts, dco.generate.backends.diffusers\n"
        "print([m for m in ('torch', 'diffusers', 'transformers', 'safetensors') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
