"""The picture has no traces of how it was made: block grid, noise, colour smudges, halos, bands, burnt or drained areas,
pushed colours.

What the render shows is not an artefact: where the picture lies on one, colour and tone are compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from dco.generate.gates._subject import Floats, Gauge, Measure, Subject

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_MOST_STEP = 6.0
"""Differences of neighbouring pixels are cut here, of 255: a grid is faint and everywhere, an edge of the scene strong
and somewhere."""


def _measure(subject: Subject) -> Mapping[str, float]:
    tiles, shown = subject.tiles, subject.small_lab
    found = {
        "blocks": _blocks(tiles @ _LUMA),
        "speckle": _speckle(tiles),
        "bands": _bands(subject.pixels),
        "clipped": _clipped(subject.small),
    }
    render = subject.render_lab
    chroma = np.hypot(shown[..., 1], shown[..., 2])
    if render is None:
        found["chroma"] = float(np.quantile(chroma, 0.95))
        return found
    meant = np.hypot(render[..., 1], render[..., 2])
    found["saturation"] = (float(chroma.mean()) + 5) / (float(meant.mean()) + 5)
    off = shown - render
    patches = np.stack([_band(off[..., c], 2.0, 12.0) for c in (1, 2)])
    found["smudge"] = float(np.quantile(np.hypot(*patches), 0.995))
    found["halo"] = _halo(off[..., 0], render[..., 0])
    return found


def _blocks(luma: Floats) -> float:
    """Excess of the mean step across the strongest of the eight phases of an 8 px grid (after Wang, Bovik and Evans 2000)."""
    excess = []
    for axis in (1, 2):
        step = np.minimum(np.abs(np.diff(luma, axis=axis)), _MOST_STEP).mean(axis=(0, 3 - axis))
        phases = np.array([step[p::8].mean() for p in range(8)])
        top = int(phases.argmax())
        excess.append(phases[top] / max(0.05, float(np.median(np.delete(phases, top)))) - 1)
    return float(np.mean(excess))


def _speckle(tiles: Floats) -> float:
    """Noise of the colour differences in the calmer tiles: film grain is grey and leaves them alone, and fine coloured things
    of the scene do not fill the picture."""
    found = []
    for a, b in ((0, 1), (2, 1)):
        d = tiles[..., a] - tiles[..., b]
        hh = d[:, ::2, ::2] - d[:, 1::2, ::2] - d[:, ::2, 1::2] + d[:, 1::2, 1::2]
        found.append(float(np.quantile(np.abs(hh).mean((1, 2)), 0.25)) / 2)
    return max(found)


def _bands(pixels: np.ndarray) -> float:
    """Share of the tones between the darkest and the brightest that no pixel of a channel has."""
    found = []
    for c in range(3):
        counts = np.bincount(pixels[::2, ::2, c].ravel(), minlength=256)
        share = np.cumsum(counts) / counts.sum()
        low, high = int(np.searchsorted(share, 0.02)), int(np.searchsorted(share, 0.98))
        if high - low >= 16:
            found.append(float((counts[low : high + 1] == 0).mean()))
    return max(found, default=0.0)


def _clipped(small: Floats) -> float:
    """Share of the picture that is pure white or pure black, in patches and not in single pixels."""
    return float(((small.min(2) > 0.995) | (small.max(2) < 0.005)).mean())


def _halo(off: Floats, render: Floats) -> float:
    """How much more the picture departs from the render beside strong edges than elsewhere, in L*."""
    rim = np.abs(_band(off, 0.8, 3.0))
    slope = np.hypot(*np.gradient(gaussian_filter(render, 1.0)))
    near = maximum_filter(slope > max(1.0, float(np.quantile(slope, 0.93))), 5)
    if near.mean() < 0.005 or near.mean() > 0.9:
        return 0.0
    return float(rim[near].mean() - rim[~near].mean())


def _band(values: Floats, fine: float, coarse: float) -> Floats:
    return gaussian_filter(values, fine) - gaussian_filter(values, coarse)


GATE = Gauge(
    "artefacts",
    {
        "blocks": Measure("most", "a grid of 8 px blocks shows: steps across it are {value:.0%} larger; at most {limit:.0%} is allowed", 0.01),
        "speckle": Measure("most", "coloured noise: {value:.2f} of 255; at most {limit:.2f} is allowed", 0.08),
        "bands": Measure("most", "banding: {value:.0%} of the tones between dark and bright are missing; at most {limit:.0%} may be", 0.03),
        "clipped": Measure("most", "burnt out or drained: {value:.0%} of the picture is pure white or black; at most {limit:.0%} may be", 0.03),
        "chroma": Measure("most", "oversaturated: the strongest colours have chroma {value:.0f}; at most {limit:.0f} is allowed"),
        "saturation": Measure("most", "oversaturated: {value:.2f} times the render's colour; at most {limit:.2f} is allowed", 0.06),
        "smudge": Measure("most", "colour smudges: patches are off by {value:.1f} (a*b*); at most {limit:.1f} is allowed"),
        "halo": Measure("most", "halos along edges: {value:.2f} L*; at most {limit:.2f} is allowed"),
    },
    _measure,
)  # fmt: skip
