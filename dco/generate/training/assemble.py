"""Put the trained parts together as a diffusers folder, with its card, licence record, curve and samples."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from dco.errors import BadModel
from dco.generate.autoencoder import PatchAutoencoder
from dco.generate.models.folder import model_id
from dco.generate.training.card import write_card
from dco.generate.training.fit_denoiser import read_curve
from dco.generate.training.measure import Measured
from dco.generate.training.pictures import draw_curve, draw_samples
from dco.generate.training.recipe import Recipe
from dco.generate.vocabulary import ATTRIBUTES, values

RECORD = "training.json"


def assemble(
    folder: Path,
    work: Path,
    name: str,
    recipe: Recipe,
    minutes: float,
    workers: int,
    figures: dict[str, Any],
    warm: bool,
) -> None:
    """Write the whole model folder from a work folder whose steps are done."""
    _pipeline(work).to(torch.float16).save_pretrained(folder, variant="fp16", safe_serialization=True)
    _forget_places(folder)
    shutil.copytree(work / "adherence", folder / "adherence")
    curve = read_curve(work)
    notes = {
        "recipe": name,
        "command": f"dco model train --recipe {name} --minutes {minutes:g} --workers {workers}"
        + (" --resume" if warm else ""),
        "started_from": "the weights that lay in the folder before" if warm else "nothing",
        "settings": {**asdict(recipe), "sizes": {f"{w}x{h}": s for (w, h), s in recipe.sizes.items()}},
        "versions": {p: version(p) for p in ("torch", "diffusers", "transformers", "numpy")},
        "words": {a: list(values(a)) for a in ATTRIBUTES},
        "steps": figures,
        "curve": [asdict(point) for point in curve],
    }
    _write(folder / RECORD, notes)
    draw_curve(folder / "curve.png", curve)
    draw_samples(folder / "samples.png", folder)
    license_record = {
        "license": "Apache-2.0",
        "id": "dco-embedded",
        "revision": model_id(folder),
        "commercial_use": "yes",
        "training_data": "only this project's own procedural renders; no photographs, no third-party pictures",
        "source": "trained by `dco model train`; the command and the figures are in training.json",
    }
    _write(folder / "LICENSE.json", license_record)
    write_card(folder, notes)


def take_judge(folder: Path, work: Path, figures: dict[str, Any], command: str) -> None:
    """Put a newly trained classifier into a finished model folder, and the command and figures behind it on record."""
    shutil.copytree(work / "adherence", folder / "adherence", dirs_exist_ok=True)
    notes = json.loads((folder / RECORD).read_text())
    notes["steps"]["adherence classifier"] = {**figures, "command": command}
    _write(folder / RECORD, notes)
    write_card(folder, notes)


def record(folder: Path, measured: Measured) -> None:
    """Add measured figures and the command behind them to training.json and to the card.

    Raises:
        BadModel: the folder has no training.json.
    """
    path = folder / RECORD
    if not path.exists():
        raise BadModel(f"{folder}: no {RECORD}; expected a folder written by training")
    notes = json.loads(path.read_text())
    notes["measured"] = {
        "command": f"dco model evaluate --samples {measured.pictures} --record",
        **measured.as_dict(),
    }
    _write(path, notes)
    write_card(folder, notes)


def _forget_places(folder: Path) -> None:
    """Take out the path each part was loaded from: it means nothing elsewhere, and would change the content hash."""
    for path in folder.glob("*/config.json"):
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _pipeline(work: Path) -> Any:
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    safe: dict[str, Any] = {"use_safetensors": True, "local_files_only": True}
    return StableDiffusionPipeline(
        vae=PatchAutoencoder.from_pretrained(work / "vae", **safe),
        text_encoder=CLIPTextModel.from_pretrained(work / "text_encoder", **safe),
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer", local_files_only=True),
        unet=UNet2DConditionModel.from_pretrained(work / "unet", **safe),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
