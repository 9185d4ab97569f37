"""A cheap look at latents: the linear map from latents to colours that fits a checkpoint's own autoencoder best.

A decoder costs as much as several steps of the denoiser. A latent cell's colour is very nearly linear in its channels,
so the map is fitted once by least squares, on a few renders sent through the encoder.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dco.generate.diffusion import pipeline
from dco.generate.diffusion.delta import Array, resize
from dco.generate.paint.render import render
from dco.generate.vocabulary import Look

_LOOKS = [
    Look("soft gradient", "coral"),
    Look("beach", "blue"),
    Look("foliage", "green"),
    Look("studio podium", "pink"),
    Look("city bokeh", "violet"),
    Look("marble tabletop", "white"),
]
_CELLS = 16
"""Latent cells along a side of a fitted picture: 256 equations a picture."""


class LatentPreview:
    """Latents to small pictures, one pixel per latent cell."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._factor = int(getattr(pipe, "vae_scale_factor", 8))
        side = _CELLS * self._factor
        vae = pipe.vae
        pictures = np.stack([render(look, side, side, 7, grain=False) for look in _LOOKS])
        tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(pipe._execution_device, vae.dtype)
        with torch.inference_mode(), pipeline.quiet():
            raw = pipeline.latents_of(vae, tensor * 2 - 1)
        latents = (raw - (vae.config.get("shift_factor") or 0.0)) * vae.config.scaling_factor
        cells = latents.float().cpu().permute(0, 2, 3, 1).numpy()
        colours = np.stack([resize(p, cells.shape[1:3], Image.Resampling.BOX) for p in pictures])
        known = cells.reshape(-1, cells.shape[-1])
        self._spread = float(known.std())
        known = np.hstack([known, np.ones((len(known), 1), np.float32)])
        ridge = 1e-3 * len(known) * np.eye(known.shape[1]) * known.var()
        self._map = np.linalg.solve(known.T @ known + ridge, known.T @ colours.reshape(-1, 3))

    def knows(self, latents: Tensor) -> bool:
        """True where the latents have a layout this map was fitted for."""
        packed = latents.ndim == 3 and hasattr(self._pipe, "_unpack_latents")
        return packed or (latents.ndim == 4 and latents.shape[1] + 1 == len(self._map))

    def __call__(self, latents: Tensor, size: tuple[int, int]) -> Array:
        """float32[n, h, w, 3] in [0, 1].

        Args:
            latents: as a pipeline holds them between steps. size: (width, height) in pixels of the finished picture.
        """
        if latents.ndim == 3:  # FLUX packs 2 x 2 cells into one token
            latents = self._pipe._unpack_latents(latents, size[1], size[0], self._factor)
        cells: Array = latents.detach().float().cpu().permute(0, 2, 3, 1).numpy()
        # Some schedules start from noise many times as large as a picture's latents.
        loud = np.maximum(1, cells.std(axis=(1, 2, 3), keepdims=True) / max(self._spread, 1e-6))
        colours = (cells / loud) @ self._map[:-1] + self._map[-1]
        return np.clip(np.nan_to_num(colours), 0, 1).astype(np.float32)
