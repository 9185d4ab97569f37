"""The model card: what the embedded model is, what it is not, and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_CARD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
---

# dco embedded model

A very small latent diffusion model for advertising backdrops. It takes a fraction of a CPU-second a picture, and
it ships with dco so that the engine works offline from its first minute. It is an ordinary diffusers
folder: `AutoPipelineForText2Image` and `AutoPipelineForImage2Image` open it (`variant="fp16"`,
`use_safetensors=True`), once dco is installed, because the autoencoder's class is dco's own.

![A render above, two text-to-image samples of the same prompt below](samples.png)

## What it is for

The procedural renderer paints a backdrop at native size, this model diffuses a small copy of it, and only the
difference goes back onto the native picture. What it contributes is light, colour, haze and soft texture that follow
the scene. It does **not** contribute new objects: those come from the renderer, or from a larger checkpoint on the
same code path.

## What it is not

- Never call its pictures photographs. They are drawings by a program, changed by a network that has seen nothing
  else. They show no real place, person or product, and must not be presented as if they did.
- Text-to-image from pure noise is draft quality, for small sizes only.
- It draws no people, no products, no text and no logos.
- It knows only the words below; others change nothing that can be relied on.

## Words

{words}

## Training

Data: {renders} renders by dco's own procedural renderer and their mirror images. No photograph, no scraped picture,
no third-party data. Parts: autoencoder (eight times smaller, {channels} channels), CLIP text encoder trained as an attribute
classifier, {parameters} denoiser (rectified flow), adherence classifier (for quality gates).

    {command}

{samples} samples in {minutes} minutes on {workers}; the held-out velocity error ends at {loss} (unit-variance latents).

![Training curve](curve.png)

## Measured

{measured}

## Licence

Apache-2.0, commercial use included; the record is in [LICENSE.json](LICENSE.json). All figures, settings and versions
are in [training.json](training.json).
"""


def write_card(folder: Path, notes: dict[str, Any]) -> None:
    """Write README.md from the content of training.json."""
    last = notes["curve"][-1]
    settings = notes["settings"]
    workers = notes["command"].split("--workers ")[1].split()[0]
    text = _CARD.format(
        words="\n".join(f"- {a}: {', '.join(words)}" for a, words in notes["words"].items()),
        renders=f"{settings['renders']:,}",
        channels=settings["latent_channels"],
        parameters=_size(folder / "unet" / "diffusion_pytorch_model.fp16.safetensors"),
        command=notes["command"],
        samples=f"{last['samples']:,}",
        minutes=f"{last['seconds'] / 60:.1f}",
        workers=f"{workers} CPU {'thread' if workers == '1' else 'threads'}",
        loss=last["loss"],
        measured=_measured(notes.get("measured")),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _size(weights: Path) -> str:
    return f"{weights.stat().st_size / 2e6:.1f} million parameter"


def _measured(measured: dict[str, Any] | None) -> str:
    if not measured:
        return "Not measured yet: `dco model evaluate --samples 400 --record` fills this in."
    attributes = list(measured["adherence"])
    rows = [
        f"| {name} | " + " | ".join(f"{measured[key][a]:.1f} %" for a in attributes) + " |"
        for name, key in (("text-to-image", "adherence"), ("renders: the classifier's ceiling", "ceiling"))
    ]
    return "\n".join(
        [
            f"{measured['pictures']} text-to-image pictures of canonical prompts, {measured['steps']} steps, guidance "
            f"{measured['guidance']:g}, judged by the adherence classifier:",
            "",
            "| share read back as asked | " + " | ".join(attributes) + " |",
            "|---|" + "---|" * len(attributes),
            *rows,
            "",
            f"Fréchet distance of classifier features to 240 renders: {measured['distance']:.2f}; the same number of fresh "
            f"renders: {measured['distance_floor']:.2f}. Autoencoder: {measured['psnr_db']:.1f} dB, "
            f"{measured['psnr_noisy_db']:.1f} dB at latent noise 0.15. "
            f"{measured['cpu_seconds_per_picture']:.2f} CPU-seconds a picture.",
            "",
            *_transfer(measured["transfer"]),
            "",
            f"    {measured['command']}",
        ]
    )


def _transfer(found: dict[str, Any]) -> list[str]:
    """Delta transfer, the way pictures are made by default, beside the renders it starts from."""
    attributes = list(found["adherence"])
    rows = [
        f"| {name} | " + " | ".join(f"{found[key][a]:.1f} %" for a in attributes) + " |"
        for name, key in (("delta transfer", "adherence"), ("the renders it starts from", "renders"))
    ]
    scene, least = found["edge_iou_worst"]
    flat = ", ".join(found["scenes_without_edges"]) or "none"
    return [
        f"{found['pictures']} pictures by delta transfer at strength {found['strength']:g} and {found['side']} px, each "
        "against its own render:",
        "",
        "| share read back as asked | " + " | ".join(attributes) + " |",
        "|---|" + "---|" * len(attributes),
        *rows,
        "",
        f"Edges kept (intersection over union of the strongest 7 % of gradients): {found['edge_iou_mean']:.2f} over the "
        f"scenes that have edges, {least:.2f} in the worst of them ({scene}); scenes without: {flat}. Mean colour moves by "
        f"dE {found['colour_shift']:.1f} (at most {found['colour_shift_highest']:.1f}). Gradient energy is "
        f"{found['energy']:.2f} of the render's (at most {found['energy_highest']:.2f}), on the copy side "
        f"{found['copy_energy']:.2f} (at most {found['copy_energy_highest']:.2f}). Another seed moves a pixel by "
        f"{found['seed_rms']:.3f} rms.",
    ]
