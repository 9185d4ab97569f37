"""Dunes with sharp crests, one face in sun and one in long shadow, and wind ripples before the product."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, mix, over, screen, soft

LIT = np.array([0.93, 0.72, 0.48], np.float32)
SHADE = np.array([0.5, 0.32, 0.24], np.float32)
DUNES = 4


def paint(s: Stage) -> Array:
    high = s.mid * 0.8 + s.local(np.array([0.4, 0.6, 0.82], np.float32), 0.6) * 0.2
    picture = s.ramp(high, s.light, np.clip(s.v / 0.5, 0, 1) ** 0.8)
    veil = np.clip(s.noise(0.9, 6, octaves=5) * 0.4 - 0.05, 0, 0.4) * soft(0.4 - s.v, 0.12)
    over(picture, veil, s.light * 0.9 + 0.1 * (1 - s.dim))
    screen(picture, s.glow(s.sun * s.half_w * 0.8, s.at_v(0.36), 0.7) * 0.5, s.accent * 0.4 + np.float32(0.5))
    grains = s.noise(60, 60, octaves=2, gain=0.9)
    for j in range(DUNES):
        _dune(s, picture, j / (DUNES - 1), grains)
    return picture


def _dune(s: Stage, picture: Array, near: float, grains: Array) -> None:
    """One dune: its crest falls on both sides of a summit, and its spine runs from there to the viewer."""
    top = s.focus + s.draw(-0.6, 0.6) * (1.2 - 0.5 * near) + (0.3 - 0.6 * (near == 1)) * s.sun
    tall, wide = (0.2 + 0.12 * s.draw()) * (1 - 0.35 * near), 0.7 + 0.8 * near + 0.4 * s.draw()
    base = s.at_v(0.5 + 0.26 * near**0.9)
    gone = (s.x - top) / wide
    crest = (
        base
        - tall * np.exp(-np.sqrt(gone * gone + 0.003)) * (1 + 0.4 * near)
        - 0.03 * s.ridge(0.9, octaves=2)
    )
    below = s.y - crest
    t = np.maximum(below, 0)
    bend, phase = s.draw(0.1, 0.3), s.draw(0, 6)
    spine = (
        top
        - s.sun * (0.55 + 0.5 * near) * t
        + bend * (np.sin(t * 5 + phase) - np.sin(phase)) * np.minimum(t * 4, 1)
    )
    face = (s.x - spine) * s.sun  # positive on the side of the sun
    sunny = s.edge(face, 0.008 + 0.03 * near)
    fade = np.exp(t / -(0.28 + 0.5 * near))
    lit, dark = s.local(LIT, 0.3), s.local(SHADE, 0.42)
    bright = mix(lit * 0.8, lit * 1.08, fade)
    shadow = mix(mix(dark, lit, 0.55), dark, fade * 0.9)
    body = bright * sunny + shadow * (1 - sunny)
    _ripples(s, body, t, near, sunny)
    body *= 1 + grains * (0.008 + 0.014 * near)
    over(body, (1 - near) ** 1.3 * 0.45, s.light * 0.8 + s.mid * 0.2)
    over(picture, s.edge(below, 0.004), body)
    rim = np.exp(-(((below - 0.006) / max(0.006, s.pixel)) ** 2)) * sunny * 0.22
    screen(picture, rim, s.light)


def _ripples(s: Stage, body: Array, t: Array, near: float, sunny: Array) -> None:
    """Wind ripples, closer together with distance, breaking up where the sand is smooth."""
    warp = s.noise(1.2, 2.2, octaves=3)
    lanes = (
        2 * np.pi * (7 + 5 * near) * np.log1p(t * 4)
        + 3.4 * warp
        + (s.x - s.focus) ** 2 * 2.2 * s.sun
        + s.x * 3 * s.sun
    )
    shown = np.clip(t * 3, 0, 1) * np.clip(0.55 + 0.4 * s.noise(1, 1.6, octaves=2), 0, 1)
    depth = (0.02 + 0.055 * near) * shown * (0.45 + 0.55 * sunny)
    wave = np.sin(lanes) + 0.35 * np.sin(2 * lanes + 1)
    body *= 1 + depth * wave


SCENE = Scene(("desert dunes", "desert", "sand dunes", "dunes"), paint)
