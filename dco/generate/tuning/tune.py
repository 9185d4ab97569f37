"""Train a LoRA adapter (Hu et al. 2021) on a brand's own pictures: `tune(base, pictures, out)`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dco.errors import BadInput
from dco.generate import threads
from dco.generate.diffusion import pipeline
from dco.generate.models.folder import check
from dco.generate.tuning.denoising import Denoising
from dco.generate.tuning.pictures import Example, read_examples

RECORD = "tuning.json"
HELD_OUT_SHARE = 0.15
CROPS = 4
"""Crops per picture that are encoded once; a step then costs the denoiser alone."""
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2"]
"""Attention alone changes what is shown where; the look of surfaces and light sits in the convolutions too."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Tuned:
    """What came of it: mean squared errors on pictures kept out of training, before and after, and the curve."""

    base: str
    pictures: int
    held_out: int
    steps: int
    rank: int
    rate: float
    side: int
    loss_before: float
    loss_after: float
    curve: tuple[tuple[int, float], ...]


def tune(
    base: Path,
    pictures: Path,
    out: Path,
    *,
    steps: int = 400,
    rank: int = 8,
    rate: float = 2e-4,
    batch: int = 4,
    side: int | None = None,
    words: str = "",
    rights: str = "",
    seed: int = 0,
    device: str | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Train an adapter for `base` and write it to the folder `out`, as safetensors with its record.

    Args:
        base: a diffusers folder with a UNet; it is read and never changed.
        pictures: a folder of pictures the brand owns, with captions (see `read_examples`).
        side: pixels of the square crops; default what the model was trained at.
        words: the caption of pictures that have none of their own.
        rights: who says that these pictures may be used, and on what ground; it stands in the record.
        progress: called with one line now and then.

    Raises:
        BadInput: a value out of range, or a picture that cannot be used. BadModel: the base cannot be tuned.
        GenerationFailed: out of memory and the like.
    """
    _check_numbers(steps, rank, rate, batch, side, rights)
    if out.exists() and not (out / RECORD).exists():
        raise BadInput(f"{out}: exists and is not an adapter of `dco model tune`; give another folder")
    folder = check(base)
    threads.settle(None)
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    say = progress or (lambda line: None)
    pipe = pipeline.load(folder, device=place, dtype=torch.float32)
    side = (
        side or int(pipe.unet.config.sample_size) * pipe.vae_scale_factor if hasattr(pipe, "unet") else side
    )
    asker = Denoising(pipe, str(base))
    assert side is not None  # a pipeline without a UNet was refused by now
    examples = read_examples(pictures, side, words)
    for example in examples:
        if problem := pipeline.prompt_problem(pipe, example.caption):
            raise BadInput(f"{pictures / example.name}, caption: {problem}")
    tuned = _train(asker, examples, side, steps, rank, rate, batch, seed, folder.model_id, say)
    _write(out, pipe, examples, tuned, rights)
    say(f"wrote {out.name}: held-out error {tuned.loss_before:.4f} -> {tuned.loss_after:.4f}")
    return tuned


def _train(
    asker: Denoising,
    examples: list[Example],
    side: int,
    steps: int,
    rank: int,
    rate: float,
    batch: int,
    seed: int,
    base: str,
    say: Progress,
) -> Tuned:
    from peft import LoraConfig

    rng, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    order = rng.permutation(len(examples))
    held = order[: max(1, ceil(HELD_OUT_SHARE * len(examples)))]
    words = {e.caption: asker.words(e.caption) for e in examples}
    latents = [_crops(asker, e, side, rng) for e in examples]
    unet = asker.unet.requires_grad_(False)
    torch.manual_seed(seed)
    unet.add_adapter(
        LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=TARGETS)
    )
    parameters = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, rate, weight_decay=1e-2)

    @torch.no_grad()
    def held_out() -> float:
        fixed = torch.Generator().manual_seed(1)
        errors = [
            asker.loss(latents[k], [words[examples[k].caption]] * CROPS, fixed)
            for k in held
            for _ in range(4)
        ]
        return round(float(torch.stack(errors).mean()), 5)

    curve = [(0, held_out())]
    rest = order[len(held) :]
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 20) * max(0.05, 1 - step / steps)
        chosen, which = rng.choice(rest, batch), rng.integers(CROPS, size=batch)
        z = torch.stack([latents[k][c] for k, c in zip(chosen, which, strict=True)])
        loss = asker.loss(z, [words[examples[k].caption] for k in chosen], noise)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if (step + 1) % max(1, steps // 8) == 0 or step + 1 == steps:
            curve.append((step + 1, held_out()))
            say(f"step {step + 1} of {steps}: held-out error {curve[-1][1]:.4f} (at first {curve[0][1]:.4f})")
    return Tuned(
        base, len(examples), len(held), steps, rank, rate, side, curve[0][1], curve[-1][1], tuple(curve)
    )


def _crops(asker: Denoising, example: Example, side: int, rng: np.random.Generator) -> Tensor:
    """Latents of four square crops, the larger ones shrunk: float[4, c, h, w]."""
    from PIL import Image

    height, width = example.pixels.shape[:2]
    cut = []
    for _ in range(CROPS):
        size = int(rng.integers(side, min(height, width) + 1))
        top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
        piece = Image.fromarray(example.pixels[top : top + size, left : left + size])
        cut.append(np.asarray(piece.resize((side, side), Image.Resampling.LANCZOS), np.float32))
    x = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2) / 127.5 - 1
    return asker.latents(x)


def _write(out: Path, pipe: Any, examples: list[Example], tuned: Tuned, rights: str) -> None:
    from peft.utils import get_peft_model_state_dict

    notes = {
        **asdict(tuned),
        "rights": rights,
        "trained_on": [{"file": e.name, "sha256": e.sha256, "caption": e.caption} for e in examples],
        "versions": {name: version(name) for name in ("torch", "diffusers", "peft")},
    }
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "adapter"
        type(pipe).save_lora_weights(
            fresh, unet_lora_layers=get_peft_model_state_dict(pipe.unet), safe_serialization=True
        )
        (fresh / RECORD).write_text(json.dumps(notes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fresh, out)


def _check_numbers(steps: int, rank: int, rate: float, batch: int, side: int | None, rights: str) -> None:
    limits = (
        ("steps", steps, 1, 100_000),
        ("rank", rank, 1, 256),
        ("rate", rate, 1e-7, 1e-1),
        ("batch", batch, 1, 256),
        ("side", side or 64, 32, 4096),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise BadInput(f"tune, {name}: expected {low:g} to {high:g}, got {value:g}")
    if side and side % 32:
        raise BadInput(f"tune, side: expected a multiple of 32, got {side}")
    if not rights.strip():
        raise BadInput(
            "tune, rights: say who allows these pictures to be used, e.g. --rights 'Jane Doe, own product shoot of May 2026'"
        )
