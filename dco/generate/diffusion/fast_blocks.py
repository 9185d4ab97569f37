"""The blocks of a denoiser with fewer passes over their values, exact but for rounding.

Group normalisation, scale and shift are one multiplication and one addition per value once the statistics are known,
and what no words have reached yet is the same with and without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dco.generate.diffusion.fast_filters import PackedConv2d


def normalised(
    x: Tensor,
    norm: nn.GroupNorm,
    scale: Tensor | None = None,
    shift: Tensor | None = None,
    activate: bool = True,
) -> Tensor:
    """silu(group_norm(x) * (1 + scale) + shift) of float32[n, c, h, w]; scale and shift are float32[n or 1, c]."""
    n, c, h, w = x.shape
    groups, each = norm.num_groups, c // norm.num_groups
    values, count = x.permute(0, 2, 3, 1).reshape(n, h * w, c), h * w * each
    squares = values * values
    mean = values.sum(1).view(n, groups, each).sum(2, keepdim=True).div_(count)
    square = squares.sum(1).view(n, groups, each).sum(2, keepdim=True).div_(count)
    root = torch.rsqrt((square - mean * mean).clamp_(min=0) + norm.eps)
    slope = norm.weight.view(groups, each) * root
    offset = torch.addcmul(norm.bias.view(groups, each), mean, slope, value=-1)
    slope, offset = slope.view(n, c), offset.view(n, c)
    if scale is not None and shift is not None:
        scale = scale + 1
        slope, offset = slope * scale, torch.addcmul(shift, offset, scale)
    # Into the squares, which are still in the cache: fresh memory costs more than the arithmetic.
    out = torch.addcmul(offset[:, None], values, slope[:, None], out=squares)
    if activate:
        F.silu(out, inplace=True)
    return out.view(n, h, w, c).permute(0, 3, 1, 2)


def by_halves(work: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`work` on either half of a batch, or once where they are the same.

    Guidance asks for every picture with words and without; before the first words both are one. Halves that differ are
    worked on one by one too, so that a neighbour who happens to be the same moves no bit of a picture.
    """
    if len(x) % 2:
        return work(x)
    first, second = x.chunk(2)
    done = work(first)
    return torch.cat([done, done if torch.equal(first, second) else work(second)])


class ByHalves(nn.Module):
    """A layer in front of all words."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return by_halves(self.layer, x)


class FusedResnet(nn.Module):
    """diffusers' `ResnetBlock2D` with normalisation, scale, shift and activation in one pass.

    Args:
        wordless: no words have reached the input yet.
    """

    def __init__(self, block: Any, wordless: bool = False) -> None:
        super().__init__()
        self.block, self.wordless = block, wordless

    @staticmethod
    def fits(block: Any) -> bool:
        """True for the plain block with `scale_shift` time embedding."""
        return (
            block.time_embedding_norm == "scale_shift"
            and block.time_emb_proj is not None
            and not block.skip_time_act
            and block.upsample is None
            and block.downsample is None
            and isinstance(block.nonlinearity, nn.SiLU)
            and block.output_scale_factor == 1.0
        )

    def forward(self, x: Tensor, temb: Tensor) -> Tensor:
        """`temb` is one row per picture, or one row for all."""
        block = self.block
        scale, shift = block.time_emb_proj(F.silu(temb)).chunk(2, dim=1)
        h = by_halves(self._entered, x) if self.wordless else self._entered(x)
        h = block.conv2(normalised(h, block.norm2, scale, shift))
        if isinstance(block.conv_shortcut, PackedConv2d):
            return block.conv_shortcut.calculated(x, h)
        return h.add_(x if block.conv_shortcut is None else block.conv_shortcut(x))

    def _entered(self, x: Tensor) -> Tensor:
        done: Tensor = self.block.conv1(normalised(x, self.block.norm1))
        return done


class FusedResidual(nn.Module):
    """The autoencoder's `Residual`, with no memory taken that is at hand."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        inside = F.silu(self.block.first(F.silu(x)), inplace=True)
        done: Tensor = self.block.second(inside).add_(x)
        return done


class NormalisedActivation(nn.Module):
    """Group normalisation and SiLU in one pass."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return normalised(x, self.norm)
