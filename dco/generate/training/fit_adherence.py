"""Fit the adherence classifier on the renders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from dco.generate.quality.adherence import SIDE, Adherence
from dco.generate.training.fit_autoencoder import to_tensor
from dco.generate.training.recipe import Recipe
from dco.generate.training.renders import label_file, mirrored, picture_file
from dco.generate.vocabulary import ATTRIBUTES, values

RATE = 3e-3


def fit_adherence(work: Path, recipe: Recipe, device: str = "cpu") -> dict[str, float]:
    """Train and save work/adherence.

    Returns:
        Accuracy per attribute on held-out renders of the main size.
    """
    torch.manual_seed(11)
    rng = np.random.default_rng(11)
    x, labels = _small_pictures(work, recipe)
    held = slice(0, recipe.held_out)  # the main size comes first, its held-out renders first of all
    model = Adherence({a: values(a) for a in ATTRIBUTES}).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, recipe.classifier_steps)
    for _ in range(recipe.classifier_steps):
        rows = rng.integers(recipe.held_out, len(x), recipe.classifier_batch)
        flip = torch.from_numpy(rng.random(len(rows)) < 0.5)
        batch = to_tensor(x[rows])
        batch = torch.where(flip[:, None, None, None], batch.flip(3), batch)
        wanted = np.where(flip.numpy()[:, None], mirrored(labels[rows]), labels[rows]).astype(np.int64)
        # Noise and blur, because it will judge decoded latents, which are softer than renders.
        batch = (batch + 0.03 * torch.randn_like(batch)).to(device)
        if rng.random() < 0.3:
            batch = F.interpolate(F.avg_pool2d(batch, 2), (SIDE, SIDE), mode="bilinear")
        target = torch.from_numpy(wanted).to(device)
        loss = torch.stack([F.cross_entropy(o, target[:, k]) for k, o in enumerate(model(batch))]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval().cpu().save(work)
    with torch.no_grad():
        logits = model(to_tensor(x[held]))
    return {
        a: float((o.argmax(1).numpy() == labels[held, k]).mean())
        for k, (a, o) in enumerate(zip(ATTRIBUTES, logits))
    }


def _small_pictures(work: Path, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """uint8[n, 64, 64, 3] of all sizes, squeezed to a square, and their labels."""
    small, labels = [], []
    for width, height in sorted(recipe.sizes, key=lambda size: -recipe.sizes[size]):
        pictures = np.load(picture_file(work, width, height), mmap_mode="r")[::-1]
        for k in range(0, len(pictures), 256):
            x = F.interpolate(to_tensor(pictures[k : k + 256]), (SIDE, SIDE), mode="area")
            small.append(((x + 1) * 127.5 + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())
        labels.append(np.load(label_file(work, width, height))[::-1])
    return np.concatenate(small), np.concatenate(labels)
