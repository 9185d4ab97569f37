"""Dunes with sharp crests, one face in sun and one in long shadow, and wind ripples before the product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, Window, mix, over, screen, soft

LIT = np.array([0.93, 0.72, 0.48], np.float32)
SHADE = np.array([0.5, 0.32, 0.24], np.float32)
DUNES = 4


class Sand(NamedTuple):
    """Noise that all dunes share, float32[height, width]: grains, how ripples bend, and where they show."""

    grains: Array
    warp: Array
    shown: Array


def paint(s: Stage) -> Array:
    high = s.mid * 0.94 + s.deep * 0.06
    picture = s.ramp(high, s.light, np.clip(s.v / 0.5, 0, 1) ** 0.8)
    veil = np.clip(s.noise(0.9, 6, octaves=5) * 0.4 - 0.05, 0, 0.4) * soft(0.4 - s.v, 0.12)
    over(picture, veil, s.light * 0.9 + 0.1 * (1 - s.dim))
    screen(picture, s.glow(s.sun * s.half_w * 0.8, s.at_v(0.36), 0.7) * 0.5, s.accent * 0.4 + np.float32(0.5))
    sand = Sand(
        s.noise(60, 60, octaves=2, gain=0.9), s.noise(1.2, 2.2, octaves=3), s.noise(1, 1.6, octaves=2)
    )
    for j in range(DUNES):
        _dune(s, picture, j / (DUNES - 1), sand)
    return picture


def _dune(s: Stage, picture: Array, near: float, sand: Sand) -> None:
    """One dune: its crest falls on both sides of a summit, and its spine runs from there to the viewer."""
    top = s.focus + s.draw(-0.45, 0.45) * (1.2 - 0.5 * near) + (0.15 - 0.4 * (near == 1)) * s.sun
    tall, wide = (0.22 + 0.22 * s.draw()) * (1 - 0.35 * near), 0.5 + 0.7 * near + 0.5 * s.draw()
    gone = (s.x - top) / wide
    summit = tall * np.exp(-np.sqrt(gone * gone + 0.004)) * (1 + 0.4 * near)
    crest = s.at_v(0.51 + 0.25 * near**0.9) - summit - 0.035 * s.ridge(0.9, octaves=2)
    bend, phase = s.draw(0.12, 0.34), s.draw(0, 6)
    start = float(crest.min())
    w = s.window(0.0, (start + s.half_h) / 2, s.half_w + 1, (s.half_h - start) / 2 + 3 * s.pixel)
    below = w.y - crest
    t = np.maximum(below, 0)
    sway = bend * (np.sin(t * 5 + phase) - np.sin(phase)) * np.minimum(t * 4, 1)
    face = (w.x - top - sway) * s.sun + (0.5 + 0.45 * near) * t  # positive on the side of the sun
    sunny = soft(face / np.maximum(0.006 + 0.05 * near * t, 0.62 * s.pixel), 1.0)
    fade = np.exp(t / -(0.28 + 0.5 * near))
    lit, dark = s.local(LIT, 0.36), s.local(SHADE, 0.56)
    body = mix(mix(mix(dark, lit, 0.5), dark, fade * 0.92), mix(lit * 0.8, lit * 1.08, fade), sunny)
    if near > 0.5:
        _ripples(s, body, w, t, near, sunny, sand)
    body *= 1 + sand.grains[w.cut[1:]] * (0.008 + 0.014 * near)
    over(body, (1 - near) ** 1.3 * 0.45, s.light * 0.8 + s.mid * 0.2)
    over(picture[w.cut], s.edge(below, 0.004), body)
    rim = np.exp(-(((below - 0.006) / max(0.006, s.pixel)) ** 2)) * sunny * 0.22
    screen(picture[w.cut], rim, s.light)


def _ripples(s: Stage, body: Array, w: Window, t: Array, near: float, sunny: Array, sand: Sand) -> None:
    """Wind ripples, closer together with distance, breaking up where the sand is smooth."""
    bow = (w.x - s.focus) ** 2 * 2.2 * s.sun + w.x * 3 * s.sun
    lanes = 2 * np.pi * (7 + 5 * near) * np.log1p(t * 4) + 3.4 * sand.warp[w.cut[1:]] + bow
    shown = np.clip(t * 3, 0, 1) * np.clip(0.55 + 0.4 * sand.shown[w.cut[1:]], 0, 1)
    depth = (0.02 + 0.055 * near) * shown * (0.45 + 0.55 * sunny)
    body *= 1 + depth * (np.sin(lanes) + 0.35 * np.sin(2 * lanes + 1))


SCENE = Scene(("desert dunes", "desert", "sand dunes", "dunes"), paint)
