"""A whole training run, step by step; every step leaves a file, so that a run that was cut off goes on from there."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dco.errors import BadInput, BadModel, UnknownName
from dco.generate.training.recipe import RECIPES, Recipe
from dco.generate.vocabulary import ATTRIBUTES, values

Progress = Callable[[str], None]
FIGURES = "figures.json"


def train(
    out: Path,
    recipe: str = "small",
    minutes: float = 20.0,
    workers: int = 2,
    resume: bool = False,
    progress: Progress | None = None,
    *,
    work: Path | None = None,
    device: str | None = None,
) -> Path:
    """Train the embedded model from the project's own renders and write a diffusers folder.

    Args:
        out: folder to write; it is replaced only once training is over.
        recipe: "small" (for a CPU; about fifteen minutes beside the denoiser's), "large" (256 px, for a GPU) or "tiny"
            (seconds).
        minutes: wall time of the denoiser's training, counting earlier runs that are resumed.
        workers: processes of one thread each; on a GPU they only paint the renders.
        resume: go on from what `work` holds; where it holds nothing but `out` is a finished model, warm-start from that:
            its denoiser and what its latents mean are kept; where the vocabulary has not changed its text encoder and
            classifier are too.
        progress: called with one line of text now and then.
        work: scratch folder for renders and checkpoints (the small recipe takes 4 GB); default: `out` + ".work".
            It is kept, so that a longer run can resume.
        device: "cpu" or "cuda"; default a GPU where there is one.

    Raises:
        UnknownName: no such recipe.
        BadInput: minutes or workers out of range, or `work` holds files that training did not write.
        BadModel: resume finds neither a work folder nor a finished model.
    """
    plan = _checked(recipe, minutes, workers)
    place = _device(device)
    say = progress or _quiet
    scratch = work or out.with_name(out.name + ".work")
    from dco.generate.diffusion.pipeline import quiet
    from dco.generate.training.assemble import assemble

    with quiet(), tempfile.TemporaryDirectory() as fresh:
        start = _prepare(scratch, out, recipe, resume)
        figures = _run_steps(scratch, plan, minutes, workers, place, start, say)
        assemble(Path(fresh) / "model", scratch, recipe, plan, minutes, workers, figures, bool(start))
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(fresh) / "model", out)
    say(f"wrote {out.name}")
    return out


def train_judge(
    out: Path,
    recipe: str = "small",
    workers: int = 2,
    progress: Progress | None = None,
    *,
    work: Path | None = None,
    device: str | None = None,
) -> Path:
    """Teach a finished model's adherence classifier the renders of today; the model itself stays as it is.

    For when scenes were repainted: a classifier that knows yesterday's light refuses good pictures of today's.

    Args:
        out: a model folder that training wrote.
        work: scratch folder for the renders, or that of a full run, whose renders are used; default: `out` + ".work".

    Raises:
        UnknownName, BadInput: as `train`. BadModel: `out` is no finished model, or was trained on other words.
    """
    from dco.generate.training.assemble import take_judge
    from dco.generate.training.fit_adherence import fit_adherence
    from dco.generate.training.renders import label_file, make_renders

    plan = _checked(recipe, 1.0, workers)
    place, say = _device(device), progress or _quiet
    notes = _notes(out)
    if notes["words"] != {a: list(values(a)) for a in ATTRIBUTES}:
        raise BadModel(f"{out}: was trained on other words than today's; train the whole model")
    scratch = work or out.with_name(out.name + ".work")
    ready = (scratch / "recipe.json").exists()
    _prepare(scratch, out, recipe, resume=ready)
    figures = _Figures(scratch)
    if not ("renders" in figures.done and label_file(scratch, *list(plan.sizes)[-1]).exists()):
        began = time.monotonic()
        say("renders ...")
        make_renders(scratch, plan, workers)
        figures.add("renders", None, time.monotonic() - began)
    began = time.monotonic()
    say("adherence classifier ...")
    measured = fit_adherence(scratch, plan, place)
    figures.add("adherence classifier", measured, time.monotonic() - began)
    say(f"adherence classifier: {figures.done['adherence classifier']}")
    command = f"dco model train --judge-only --recipe {recipe} --workers {workers}"
    take_judge(out, scratch, figures.done["adherence classifier"], command)
    say(f"wrote {out.name}/adherence")
    return out


def _run_steps(
    work: Path, plan: Recipe, minutes: float, workers: int, device: str, start: str, say: Progress
) -> dict[str, Any]:
    from dco.generate.training.crew import launch
    from dco.generate.training.encode import caption_file, encode_pictures, latent_file, write_captions
    from dco.generate.training.fit_adherence import fit_adherence
    from dco.generate.training.fit_autoencoder import fit_autoencoder
    from dco.generate.training.fit_denoiser import fit_denoiser, read_curve
    from dco.generate.training.fit_text import fit_text
    from dco.generate.training.renders import label_file, make_renders

    figures = _Figures(work)
    last = list(plan.sizes)[-1]
    trainers = 1 if device != "cpu" else workers
    steps: list[tuple[str, Path, Callable[[], Any]]] = [
        ("renders", label_file(work, *last), lambda: make_renders(work, plan, workers)),
        (
            "autoencoder",
            work / "vae" / "config.json",
            lambda: launch(fit_autoencoder, trainers, work, work, plan, device=device),
        ),
        ("text encoder", work / "tokenizer" / "tokenizer.json", lambda: fit_text(work, plan)),
        (
            "adherence classifier",
            work / "adherence" / "words.json",
            lambda: fit_adherence(work, plan, device),
        ),
        ("latents", latent_file(work, *last), lambda: encode_pictures(work, plan, device)),
        ("captions", caption_file(work, *last), lambda: write_captions(work, plan)),
    ]
    for name, proof, step in steps:
        if not (name in figures.done and proof.exists()):
            began = time.monotonic()
            say(f"{name} ...")
            figures.add(name, step(), time.monotonic() - began)
            say(f"{name}: {figures.done[name]}")
    curve = read_curve(work)
    if not curve or curve[-1].seconds < minutes * 60:
        raw = work / "unet_raw"
        seed = str(raw) if raw.exists() else start
        say(f"denoiser: {minutes:g} minutes")
        launch(
            fit_denoiser,
            trainers,
            work,
            work,
            plan,
            minutes * 60,
            seed,
            device=device,
            watch=_Watch(work / "curve.json", say),
        )
    return figures.done


class _Watch:
    """Says the end of the curve whenever it has moved."""

    def __init__(self, path: Path, say: Progress) -> None:
        self.path, self.say, self.last = path, say, -1

    def __call__(self) -> None:
        if self.path.exists():
            # Replaced as a whole by its writer, so never half a file.
            point = json.loads(self.path.read_text())[-1]
            if point["samples"] != self.last:
                self.last = point["samples"]
                self.say(
                    f"denoiser: {point['samples']} samples, {point['seconds']:.0f} s, loss {point['loss']}"
                )


class _Figures:
    """What each step measured, kept in the work folder; a step that stands here is done."""

    def __init__(self, work: Path) -> None:
        self.path = work / FIGURES
        self.done: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, name: str, measured: Any, seconds: float) -> None:
        self.done[name] = {"seconds": round(seconds, 1)}
        if measured is not None:
            self.done[name]["accuracy"] = measured
        self.path.write_text(json.dumps(self.done, indent=1))


def _device(wanted: str | None) -> str:
    import torch

    if wanted not in (None, "cpu", "cuda"):
        raise BadInput(f"train: device {wanted!r}; expected cpu or cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("train: device cuda, but torch finds no GPU here; leave it out to train on the CPU")
    return wanted or ("cuda" if torch.cuda.is_available() else "cpu")


def _checked(recipe: str, minutes: float, workers: int) -> Recipe:
    if recipe not in RECIPES:
        raise UnknownName("recipe", recipe, RECIPES, where="train")
    if not 0 < minutes <= 60 * 24 * 7:
        raise BadInput(f"train: minutes {minutes:g} is out of range; expected more than 0 and at most a week")
    if not 1 <= workers <= 64:
        raise BadInput(f"train: workers {workers} is out of range; expected 1 to 64")
    return RECIPES[recipe]


def _prepare(work: Path, out: Path, recipe: str, resume: bool) -> str:
    """Make the work folder ready; returns the unet folder to warm-start from, or an empty text."""
    mark = work / "recipe.json"
    ours = mark.exists()
    if work.exists() and not ours and any(work.iterdir()):
        raise BadInput(f"train: {work} holds files that are not a training run's; give another work folder")
    if resume and ours:
        kept = json.loads(mark.read_text())["recipe"]
        if kept != recipe:
            raise BadInput(
                f"train: {work} holds a run of recipe {kept!r}, not {recipe!r}; give another folder"
            )
        return str(json.loads(mark.read_text())["start"])
    if ours:
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    start = _warm_start(work, out) if resume else ""
    mark.write_text(json.dumps({"recipe": recipe, "start": start}))
    return start


def _warm_start(work: Path, out: Path) -> str:
    notes = _notes(out)
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    from dco.generate.autoencoder import PatchAutoencoder

    same_words = notes["words"] == {a: list(values(a)) for a in ATTRIBUTES}
    # The shipped folder is half precision; a work folder is full precision.
    kinds = {"vae": PatchAutoencoder, "unet": UNet2DConditionModel}
    if same_words:
        kinds["text_encoder"] = CLIPTextModel
    for part, kind in kinds.items():
        model = kind.from_pretrained(out / part, variant="fp16", use_safetensors=True, local_files_only=True)
        name = part if part == "text_encoder" else f"{part}_start"
        model.float().save_pretrained(work / name)
    if same_words:
        CLIPTokenizer.from_pretrained(out / "tokenizer", local_files_only=True).save_pretrained(
            work / "tokenizer"
        )
        shutil.copytree(out / "adherence", work / "adherence")
        kept = {name: notes["steps"][name] for name in ("text encoder", "adherence classifier")}
        (work / FIGURES).write_text(json.dumps(kept, indent=1))
    return str(work / "unet_start")


def _notes(out: Path) -> dict[str, Any]:
    """What training wrote about a finished model."""
    if not ((out / "model_index.json").exists() and (out / "training.json").exists()):
        raise BadModel(f"{out}: nothing to go on from; expected a finished model folder that training wrote")
    found: dict[str, Any] = json.loads((out / "training.json").read_text())
    return found


def _quiet(line: str) -> None:
    """Takes the progress lines nobody asked for."""
