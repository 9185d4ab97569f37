"""Convolutions by minimal filtering and by packed weights: the same sums in fewer products, exact but for rounding.

- Winograd's F(4x4, 3x3) (Lavin and Gray 2015, "Fast algorithms for convolutional neural networks"): 36 products in place
  of 144 for each tile of 4 x 4 outputs.
- A nearest-neighbour doubling before the 3 x 3 convolution repeats each input, and on repeated inputs one of the six
  points per side is zero everywhere: 25 products for each tile of 4 x 4 outputs.
- A transposed convolution whose patches overlap by half is a 3 x 3 convolution that makes a whole patch per input.

Every layer computes a picture from that picture's values alone, in an order that the batch's size and nothing else
decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE = 4
"""Outputs per side of a tile; the inputs of neighbours overlap by two."""

WASTE = 1.5
"""Tiles may cover this many times the picture's own area; beyond that a direct convolution is faster."""

LEAST_CHANNELS = 96
"""With fewer channels on either side the transforms cost more than the products they save."""

CACHED = 1 << 17
"""Values of tiles that are gathered at a time; 512 KiB."""

LAYOUTS = 8
"""Packed weights a layer keeps, one per input shape; it starts over when there are more."""

_INPUT = (
    (4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1),
)  # fmt: skip
_KERNEL = (
    (1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1),
)  # fmt: skip
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))

_DOUBLED = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 0, 1))
"""The six inputs of a tile from the four pixels that doubling makes them of."""

_LEFT = [0, 1, 3, 4, 5]
"""Points of a doubled tile; at the one left out the input's transform is zero."""


def kept(layouts: dict[Any, Tensor], shape: Any, pack: Callable[[], Tensor]) -> Tensor:
    """The weights packed for a shape, packed now if they were not yet."""
    found = layouts.get(shape)
    if found is None:
        if len(layouts) >= LAYOUTS:
            layouts.clear()
        found = layouts[shape] = pack()
    return found


class PackedConv2d(nn.Module):
    """A convolution whose weights oneDNN lays out once for each shape of its input, not at every call."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self._how: tuple[Any, ...] = (conv.padding, conv.stride, conv.dilation, conv.groups)
        self._packed: dict[tuple[int, ...], Tensor] = {}

    @staticmethod
    def fits(conv: nn.Conv2d) -> bool:
        """True for padding with zeros by a stated number."""
        return conv.padding_mode == "zeros" and not isinstance(conv.padding, str) and conv.groups == 1

    def forward(self, x: Tensor) -> Tensor:
        return self.calculated(x, None)

    def calculated(self, x: Tensor, onto: Tensor | None) -> Tensor:
        """The convolution; with `onto` it is added to that tensor in place."""
        conv, shape, done = self.conv, tuple(x.shape), onto
        weight = kept(self._packed, shape, lambda: torch.ops.mkldnn._reorder_convolution_weight(
            conv.weight.detach(), *self._how, list(shape)
        ))  # fmt: skip
        if done is None:
            done = torch.ops.mkldnn._convolution_pointwise(x, weight, conv.bias, *self._how, "none", [], "")
        else:
            torch.ops.mkldnn._convolution_pointwise_.binary(
                done, x, weight, conv.bias, *self._how, "add", 1.0, None, [], None
            )
        return done


class _Filter(nn.Module):
    """Minimal filtering of tiles: transform the inputs to points, multiply the points, transform back."""

    def __init__(self, conv: nn.Conv2d, to_points: Tensor, kernel: Tensor, to_tile: Tensor) -> None:
        super().__init__()
        self.conv = conv
        self.count, self.side = to_points.shape[0] ** 2, to_points.shape[1]
        self.to_points: Tensor
        self.to_tile: Tensor
        self.register_buffer("to_points", torch.kron(to_points, to_points), False)
        self.register_buffer("to_tile", torch.kron(to_tile, to_tile), False)
        self._kernel = kernel
        # oneDNN lays weights out for one number of tiles; a layout for another would be redone on every call.
        self._packed: dict[int, Tensor] = {}

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """float32[n, k, height, width] of float32[n, c, h, w]."""
        n, c, h, w = x.shape
        down, across, k = -(-height // TILE), -(-width // TILE), self.conv.out_channels
        side, points, tiles = self.side, self.count, n * down * across
        step = side - 2
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1 + across * step - w, 1, 1 + down * step - h))
        s = padded.stride()
        inputs = padded.as_strided(
            (n, down, across, side, side, c), (s[0], s[1] * step, s[2] * step, s[1], s[2], 1)
        )
        transformed = padded.new_empty(tiles, points, c)
        # A few pictures at a time, so that their overlapping tiles are still in the cache when they are read again.
        some = max(1, CACHED // (tiles // n * side * side * c))
        for part, values in zip(inputs.split(some), transformed.split(some * down * across), strict=True):
            gathered = part.reshape(-1, side * side, c)
            torch.bmm(self.to_points.expand(len(gathered), -1, -1), gathered, out=values)
        values = transformed.view(1, tiles, 1, points * c).permute(0, 3, 1, 2)
        weights = kept(self._packed, tiles, lambda: self._weights(tiles))
        # One product per point: matrices side by side are a grouped 1 x 1 convolution over the tiles.
        products = torch.ops.mkldnn._convolution_pointwise(
            values, weights, None, [0, 0], [1, 1], [1, 1], points, "none", [], ""
        )
        done = torch.matmul(self.to_tile, products.permute(0, 2, 3, 1).view(tiles, points, k))
        if self.conv.bias is not None:
            done.add_(self.conv.bias)
        rows = done.view(n, down, across, TILE, TILE, k).permute(0, 1, 3, 2, 4, 5)
        picture = rows.reshape(n, down * TILE, across * TILE, k)[:, :height, :width]
        return picture.permute(0, 3, 1, 2)

    def _weights(self, tiles: int) -> Tensor:
        weight, p = self.conv.weight.detach().double(), self.count
        k, c = weight.shape[:2]
        points = torch.einsum("ij,kcjl,ml->imkc", self._kernel, weight, self._kernel)
        packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
            points.reshape(p * k, c, 1, 1).float(), [0, 0], [1, 1], [1, 1], p, [1, p * c, tiles, 1]
        )
        return packed


def _wide(conv: nn.Conv2d) -> bool:
    """A plain 3 x 3 convolution that keeps the size and is wide enough to gain."""
    plain = (conv.kernel_size, conv.stride, conv.dilation, conv.groups) == ((3, 3), (1, 1), (1, 1), 1)
    wide = min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS
    return plain and wide and conv.padding == (1, 1) and conv.padding_mode == "zeros"


def _wasteful(height: int, width: int) -> bool:
    return -(-height // TILE) * -(-width // TILE) * TILE * TILE > WASTE * height * width


class WinogradConv2d(nn.Module):
    """A 3 x 3 convolution of stride 1 and padding 1 by F(4x4, 3x3); float32[n, c, h, w], any height and width.

    Rounding: about 1e-5 of the output's scale in place of 1e-6.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.filter = _Filter(
            conv, torch.tensor(_INPUT).float(), torch.tensor(_KERNEL, dtype=torch.float64),
            torch.tensor(_OUTPUT).float(),
        )  # fmt: skip

    @staticmethod
    def fits(conv: nn.Conv2d) -> bool:
        """True for the convolutions that gain by it."""
        return _wide(conv)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[2:]
        done: Tensor = self.conv(x) if _wasteful(h, w) else self.filter(x, h, w)
        return done


class SubpixelUpsample(nn.Module):
    """diffusers' `Upsample2D` (nearest neighbour, then a 3 x 3 convolution) by minimal filtering of the small picture."""

    def __init__(self, upsample: Any) -> None:
        super().__init__()
        self.upsample = upsample
        self.filter = _Filter(
            upsample.conv, (torch.tensor(_INPUT) @ torch.tensor(_DOUBLED))[_LEFT].float(),
            torch.tensor(_KERNEL, dtype=torch.float64)[_LEFT], torch.tensor(_OUTPUT)[:, _LEFT].float(),
        )  # fmt: skip

    @staticmethod
    def fits(upsample: Any) -> bool:
        """True for doubling by nearest neighbour with a plain, wide 3 x 3 convolution behind it."""
        conv = getattr(upsample, "conv", None)
        return (
            isinstance(conv, nn.Conv2d)
            and _wide(conv)
            and upsample.interpolate
            and not upsample.use_conv_transpose
            and getattr(upsample, "norm", None) is None
        )

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        """Pictures of twice the size. Another size is asked for only where a side was odd: the stock layer makes that."""
        h, w = 2 * x.shape[2], 2 * x.shape[3]
        odd = output_size is not None and tuple(output_size) != (h, w)
        done: Tensor = self.upsample(x, output_size) if odd or _wasteful(h, w) else self.filter(x, h, w)
        return done


class PatchTransposed(nn.Module):
    """A transposed convolution of patches that overlap by half: 3 x 3 inputs decide an output patch."""

    def __init__(self, conv: nn.ConvTranspose2d) -> None:
        super().__init__()
        size, weight = conv.stride[0], conv.weight.detach()
        c, k = weight.shape[:2]
        # In a border of zeros as wide as half a patch, the kernel is three patches wide: one for each of three inputs.
        border = F.pad(weight, [size // 2] * 4).reshape(c, k, 3, size, 3, size)
        self.size = size
        dense = nn.Conv2d(c, k * size * size, 3, padding=1, bias=conv.bias is not None)
        dense.weight.data = (
            border.flip(2, 4).permute(1, 3, 5, 0, 2, 4).reshape(k * size * size, c, 3, 3).contiguous()
        )
        if conv.bias is not None and dense.bias is not None:
            dense.bias.data = conv.bias.detach().repeat_interleave(size * size)
        self.dense = PackedConv2d(dense.requires_grad_(False))

    @staticmethod
    def fits(conv: nn.ConvTranspose2d) -> bool:
        """True for patches of an even size, twice the stride, that keep the picture's edges."""
        size = conv.stride[0]
        return (
            size % 2 == 0
            and size >= TILE
            and (conv.stride, conv.kernel_size) == ((size, size), (2 * size, 2 * size))
            and (conv.padding, conv.output_padding) == ((size // 2, size // 2), (0, 0))
            and (conv.dilation, conv.groups) == ((1, 1), 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.dense(x), self.size)
