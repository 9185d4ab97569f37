from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from dco.generate.diffusion.conditions import edges
from dco.generate.paint.render import render
from dco.generate.vocabulary import Look


def disc(side: int, ground: float = 0.3, tone: float = 0.6) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.clip(side * 0.3 - np.hypot(y, x), -0.5, 0.5) + 0.5
    return np.repeat((ground + (tone - ground) * inside)[:, :, None], 3, axis=2).astype(np.float32)


def test_the_edge_of_a_disc_is_its_circle_and_nothing_else() -> None:
    lines = edges(disc(256))[:, :, 0] == 255
    y, x = np.nonzero(lines)
    off = np.abs(np.hypot(y - 127.5, x - 127.5) - 256 * 0.3)
    assert off.max() < 2
    angle = np.unique(np.round(np.degrees(np.arctan2(y - 127.5, x - 127.5)) / 5))
    assert len(angle) >= 72  # closed all around
    assert lines.sum() < 2.2 * 2 * np.pi * 256 * 0.3  # a line, not a band


def test_a_smooth_gradient_and_one_colour_have_no_edges() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    assert not edges(np.broadcast_to(ramp[None, :, None], (256, 256, 3)).copy()).any()
    assert not edges(np.full((64, 64, 3), 0.5, np.float32)).any()


def test_a_faint_line_counts_only_where_it_joins_a_strong_one() -> None:
    faint, strong = disc(256, 0.30, 0.34), disc(256, 0.30, 0.6)
    assert not edges(faint).any()
    fades = np.linspace(0, 1, 256, dtype=np.float32)[None, :, None]
    joined = edges(strong * (1 - fades) + faint * fades)[:, :, 0] > 0
    assert joined[:, 190:].sum() > 50


def test_a_scene_has_the_same_lines_at_twice_the_size() -> None:
    look = Look("studio podium", "coral")
    small = edges(render(look, 256, 256, 3, grain=False))[:, :, 0] > 0
    large = edges(render(look, 512, 512, 3, grain=False))[:, :, 0] > 0
    near = binary_dilation(small, iterations=3)
    halved = large.reshape(256, 2, 256, 2).any(axis=(1, 3))
    assert (halved & near).sum() / halved.sum() > 0.8
