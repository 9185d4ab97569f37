"""What a checkpoint is good at, told from its folder alone: steps, guidance, strength, and where its prompts end.

The numbers are the ones its makers publish. Distilled models keep the architecture of their teacher, so the schedule
gives them away: adversarially distilled ones (Turbo, Lightning; Sauer et al. 2023, Lin et al. 2024) come with trailing
timesteps, consistency models (Luo et al. 2023) with their own scheduler or an embedded guidance. Where not even that
differs (Stable Diffusion 3.5 Large Turbo) the folder's name tells, and a file `dco.json` in the folder has the last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from dco.errors import BadModel
from dco.generate.models.classes import ARCHITECTURE
from dco.generate.models.folder import ModelFolder, read_json

HINT = "dco.json"
"""Beside model_index.json; for example {"steps": 4, "guidance": 0, "trailing": true}."""

CLIP_READS = 77
"""Tokens that CLIP's text encoders read, start and end included."""

_GUIDED_BY_EMBEDDING = frozenset({"FLUX"})
_DISTILLED = frozenset({"turbo", "lightning", "hyper", "lcm", "dmd", "dmd2"})


@dataclass(frozen=True, slots=True)
class CheckpointKind:
    """A kind of checkpoint and its usual settings. `max_sequence` is the number of tokens its language encoder is given;
    None leaves the pipeline's own. `trailing` asks the scheduler for trailing timesteps."""

    name: str
    steps: int
    guidance: float
    strength: float = 0.75
    max_sequence: int | None = None
    trailing: bool = False


_BASES = {
    "Stable Diffusion": CheckpointKind("Stable Diffusion", 30, 7.0),
    "Stable Diffusion XL": CheckpointKind("Stable Diffusion XL", 30, 6.0),
    "Qwen-Image": CheckpointKind("Qwen-Image", 50, 4.0, 0.85),
    "Z-Image": CheckpointKind("Z-Image", 28, 4.0, 0.85),
    "PixArt alpha": CheckpointKind("PixArt alpha", 20, 4.5),
    "PixArt sigma": CheckpointKind("PixArt sigma", 20, 4.5),
    "Sana": CheckpointKind("Sana", 20, 4.5),
}


def recognise(folder: ModelFolder) -> CheckpointKind:
    """The kind of a checkpoint. No weights are read.

    Raises:
        BadModel: the hint file is not what it should be.
    """
    kind = _by_content(folder)
    file = folder.path / HINT
    return _with_hint(kind, file, read_json(file)) if file.is_file() else kind


def reads(folder: ModelFolder) -> int:
    """Tokens of a prompt that the best of the checkpoint's text encoders reads; a longer one is refused when it is drawn."""
    architecture = ARCHITECTURE[folder.pipeline]
    if architecture == "FLUX":
        return recognise(folder).max_sequence or 512
    if architecture == "Stable Diffusion 3":
        return recognise(folder).max_sequence or (
            256 if "text_encoder_3" in folder.components else CLIP_READS
        )
    return {"PixArt alpha": 120, "PixArt sigma": 300, "Sana": 300, "Qwen-Image": 512, "Z-Image": 512}.get(
        architecture, CLIP_READS
    )


def guided(folder: ModelFolder, guidance: float) -> bool:
    """True where this guidance runs the denoiser on two prompts, so that a negative prompt plays a part."""
    embedded = ARCHITECTURE[folder.pipeline] in _GUIDED_BY_EMBEDDING
    return guidance > 1 and not embedded and not folder.config("unet").get("time_cond_proj_dim")


def _by_content(folder: ModelFolder) -> CheckpointKind:
    architecture = ARCHITECTURE[folder.pipeline]
    words = _words(folder)
    if architecture == "FLUX":
        return _flux(folder.config("transformer"), words)
    if architecture == "Stable Diffusion 3":
        return _sd3(folder.config("transformer"), words)
    base = _BASES[architecture]
    if architecture == "Z-Image" and "turbo" in words:
        return replace(base, name="Z-Image Turbo", steps=9, guidance=0.0)
    if architecture.startswith("Stable Diffusion"):
        return _distilled(base, folder.config("unet"), folder.config("scheduler"), words)
    return base


def _flux(transformer: dict[str, Any], words: set[str]) -> CheckpointKind:
    if not transformer.get("guidance_embeds", False):
        # Schnell was trained with 256 tokens; a longer prompt leaves what it knows.
        return CheckpointKind("FLUX schnell", 4, 0.0, 0.85, max_sequence=256)
    if words & _DISTILLED:
        return CheckpointKind("FLUX dev, distilled", _stated(words, 8), 3.5, 0.85, max_sequence=512)
    return CheckpointKind("FLUX dev", 28, 3.5, 0.85, max_sequence=512)


def _sd3(transformer: dict[str, Any], words: set[str]) -> CheckpointKind:
    if words & _DISTILLED:
        return CheckpointKind("Stable Diffusion 3.5, distilled", _stated(words, 4), 0.0, 0.85)
    newer = transformer.get("dual_attention_layers") or int(transformer.get("num_layers", 0)) >= 38
    if newer or transformer.get("qk_norm"):
        return CheckpointKind("Stable Diffusion 3.5", 28, 4.5, 0.85)
    return CheckpointKind("Stable Diffusion 3", 28, 7.0, 0.85)


def _distilled(
    base: CheckpointKind, unet: dict[str, Any], scheduler: dict[str, Any], words: set[str]
) -> CheckpointKind:
    schedule = str(scheduler.get("_class_name", ""))
    if unet.get("time_cond_proj_dim"):
        return replace(base, name=f"{base.name}, LCM", steps=6, guidance=8.0)
    if schedule in ("LCMScheduler", "TCDScheduler"):
        # Guidance was distilled into the weights; 1 runs the denoiser once a step.
        return replace(base, name=f"{base.name}, consistency", steps=_stated(words, 6), guidance=1.0)
    euler = schedule.startswith("Euler")
    if "lightning" in words or "hyper" in words:
        return _few(base, "Lightning", words, trailing=euler)
    if "turbo" in words or (euler and scheduler.get("timestep_spacing") == "trailing"):
        return _few(
            base, "Turbo" if schedule.startswith("EulerAncestral") else "few-step", words, trailing=euler
        )
    return base


def _few(base: CheckpointKind, mark: str, words: set[str], *, trailing: bool) -> CheckpointKind:
    return replace(base, name=f"{base.name} {mark}", steps=_stated(words, 4), guidance=0.0, trailing=trailing)


def _stated(words: set[str], usual: int) -> int:
    """The number of steps in a name such as "sdxl-lightning-8step"."""
    for word in sorted(words):
        if match := re.fullmatch(r"(\d{1,2})steps?", word):
            return min(max(int(match[1]), 1), 50)
    return usual


def _words(folder: ModelFolder) -> set[str]:
    """Words of the folder's names: its own, its repository's where it lies in a hub cache, and those in its files."""
    names = [folder.path.resolve().name, str(folder.index.get("_name_or_path", ""))]
    if folder.path.parent.name == "snapshots":
        names.append(folder.path.parents[1].name)
    for part in ("unet", "transformer"):
        names.append(str(folder.config(part).get("_name_or_path", "")))
    return {word for name in names for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def _with_hint(kind: CheckpointKind, file: Any, hint: Any) -> CheckpointKind:
    if not isinstance(hint, dict):
        raise BadModel(f"{file}: expected a JSON object, found {type(hint).__name__}")
    limits = {"steps": (1, 200), "guidance": (0, 50), "strength": (0.05, 1), "max_sequence": (1, 4096)}
    known = [*limits, "trailing"]
    for name, value in hint.items():
        if name not in known:
            raise BadModel(f"{file}: {name!r} means nothing here; expected some of {', '.join(known)}")
        if name == "trailing":
            fits = isinstance(value, bool)
        else:
            whole = name in ("steps", "max_sequence")
            number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
            fits = number and limits[name][0] <= value <= limits[name][1]
        if not fits:
            wanted = "true or false" if name == "trailing" else f"{limits[name][0]} to {limits[name][1]}"
            raise BadModel(f"{file}: {name} is {value!r}; expected {wanted}")
    return replace(kind, **hint)
