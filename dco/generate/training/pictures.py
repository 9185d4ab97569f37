"""The two pictures of a model card: the training curve and a sheet of samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from dco.generate.paint.render import render
from dco.generate.training.fit_denoiser import Point
from dco.generate.training.looks import sample_looks
from dco.generate.training.measure import open_pipeline
from dco.generate.vocabulary import prompt

SHEET_SEED = 40
PAPER, INK, GRID, LINE = (255, 255, 255), (60, 60, 60), (225, 225, 225), (31, 111, 191)


def draw_curve(path: Path, curve: list[Point]) -> None:
    """Held-out loss against the samples seen."""
    width, height, left, right, top, bottom = 720, 360, 64, 20, 40, 44
    image = Image.new("RGB", (width, height), PAPER)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    x = np.array([point.samples for point in curve], float) / 1000
    y = np.array([point.loss for point in curve], float)
    low, high = np.floor(y.min() * 10) / 10, np.ceil(y.max() * 10 + 0.01) / 10
    across = left + (width - left - right) * x / x.max()
    up = height - bottom - (height - top - bottom) * (y - low) / (high - low)
    for share in np.linspace(0, 1, 5):
        at = height - bottom - share * (height - top - bottom)
        pen.line([(left, at), (width - right, at)], GRID)
        pen.text((left - 8, at), f"{low + share * (high - low):.2f}", INK, font, anchor="rm")
        along = left + share * (width - left - right)
        pen.text((along, height - bottom + 8), f"{share * x.max():.0f}", INK, font, anchor="mt")
    points = list(zip(across.tolist(), up.tolist(), strict=True))
    if len(points) > 1:
        pen.line(points, LINE, 3, joint="curve")
    pen.ellipse([points[-1][0] - 4, points[-1][1] - 4, points[-1][0] + 4, points[-1][1] + 4], LINE)
    pen.text((left, 14), f"Velocity error on held-out renders (ends at {y[-1]:.3f})", INK, font)
    pen.text((width - right, height - 6), "thousand samples seen", INK, font, anchor="rs")
    image.save(path, optimize=True)


def draw_samples(path: Path, folder: Path) -> None:
    """One column per scene: a render above, two text-to-image pictures of the same prompt below."""
    pipe = open_pipeline(folder)
    looks = sample_looks(10, seed=SHEET_SEED)
    rows = [np.stack([render(look, 128, 128, SHEET_SEED, grain=False) for look in looks])]
    for row in (1, 2):
        rows.append(
            pipe(
                [prompt(look) for look in looks],
                num_inference_steps=12,
                guidance_scale=1.5,
                width=128,
                height=128,
                generator=[torch.Generator().manual_seed(1000 * row + k) for k in range(len(looks))],
                output_type="np",
            ).images
        )
    gap = 4
    sheet = np.full((3 * (128 + gap) - gap, 10 * (128 + gap) - gap, 3), 255, np.uint8)
    for r, row_pictures in enumerate(rows):
        for k, picture in enumerate(row_pictures):
            y, x = r * (128 + gap), k * (128 + gap)
            sheet[y : y + 128, x : x + 128] = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    # Even values only: half the levels are lost to no eye, and the file is a third smaller.
    Image.fromarray(sheet & 0xFE).save(path, optimize=True)
