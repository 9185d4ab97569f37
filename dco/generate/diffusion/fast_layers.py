"""The embedded denoiser's layers in forms that need fewer multiplications on a CPU, exact but for rounding.

Measured on one core, direct convolutions in single precision already run at the machine's peak; what is left is to
multiply less. Three identities do that:

- Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2015, "Fast algorithms for convolutional neural networks"):
  36 products in place of 144 for each tile of 4 x 4 outputs.
- Nearest-neighbour doubling before a 3 x 3 convolution is one transposed 4 x 4 convolution of stride 2, whose kernel is
  the 3 x 3 one spread over 2 x 2 ones: 4 products a pixel in place of 9.
- Group normalisation, scale and shift are one multiplication and one addition per value, once the statistics are known.

Every layer computes a picture from that picture's values alone, in an order that the batch's size and nothing else
decides: the same request keeps the same bytes in any company.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE = 4
"""Outputs per side of a tile; its inputs overlap by two."""

WASTE = 1.5
"""Tiles may cover this many times the picture's own area; beyond that a direct convolution is faster."""

LEAST_CHANNELS = 96
"""With fewer channels the transforms cost more than the products they save."""

_INPUT = (
    (4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1),
)  # fmt: skip
_KERNEL = (
    (1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1),
)  # fmt: skip
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
_POINTS = (TILE + 2) ** 2


def speed_up(network: nn.Module) -> nn.Module:
    """Swap every layer of a network on the CPU that has a faster form. Weights are shared, training is over.

    Elsewhere, or where torch was built without oneDNN, the network is returned as it is.
    """
    if next(network.parameters()).device.type == "cpu" and torch.backends.mkldnn.is_available():
        _swap(network)
    return network


def _swap(network: nn.Module) -> None:
    for name, part in list(network.named_children()):
        swapped = _faster(part)
        if swapped is not None:
            setattr(network, name, swapped)
        else:
            _swap(part)


def _faster(part: nn.Module) -> nn.Module | None:
    kind = type(part).__name__
    if isinstance(part, nn.Conv2d):
        return WinogradConv2d(part) if WinogradConv2d.fits(part) else None
    if kind == "Upsample2D" and SubpixelUpsample.fits(part):
        return SubpixelUpsample(part)
    if kind == "ResnetBlock2D" and FusedResnet.fits(part):
        _swap(part)
        return FusedResnet(part)
    return None


class WinogradConv2d(nn.Module):
    """A 3 x 3 convolution of stride 1 and padding 1 by F(4x4, 3x3); float32[n, c, h, w], any height and width.

    Rounding: about 1e-5 of the output's scale in place of 1e-6.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.to_points: Tensor
        self.to_tile: Tensor
        self.register_buffer(
            "to_points", torch.kron(torch.tensor(_INPUT), torch.tensor(_INPUT)).float(), False
        )
        self.register_buffer(
            "to_tile", torch.kron(torch.tensor(_OUTPUT), torch.tensor(_OUTPUT)).float(), False
        )
        # oneDNN lays weights out for one number of tiles; a layout for another would be redone on every call.
        self._packed: dict[int, Tensor] = {}

    @staticmethod
    def fits(conv: nn.Conv2d) -> bool:
        """True for the convolutions that gain by it."""
        plain = (conv.kernel_size, conv.stride, conv.dilation, conv.groups) == ((3, 3), (1, 1), (1, 1), 1)
        wide = min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS
        return (
            plain
            and wide
            and conv.padding == (1, 1)
            and conv.padding_mode == "zeros"
            and conv.bias is not None
        )

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        down, across = -(-h // TILE), -(-w // TILE)
        if down * across * TILE * TILE > WASTE * h * w:
            return self.conv(x)
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1 + across * TILE - w, 1, 1 + down * TILE - h))
        s, side, tiles, k = padded.stride(), TILE + 2, n * down * across, self.conv.out_channels
        inputs = padded.as_strided(
            (n, down, across, side, side, c), (s[0], s[1] * TILE, s[2] * TILE, s[1], s[2], 1)
        ).reshape(tiles, _POINTS, c)
        points = torch.matmul(self.to_points, inputs).view(1, tiles, 1, _POINTS * c).permute(0, 3, 1, 2)
        # One product per point: 36 matrices side by side are a grouped 1 x 1 convolution over the tiles.
        products = torch.ops.mkldnn._convolution_pointwise(
            points, self._weights(tiles), None, [0, 0], [1, 1], [1, 1], _POINTS, "none", [], ""
        )
        done = torch.matmul(self.to_tile, products.permute(0, 2, 3, 1).view(tiles, _POINTS, k))
        if self.conv.bias is not None:
            done.add_(self.conv.bias)
        rows = done.view(n, down, across, TILE, TILE, k).permute(0, 1, 3, 2, 4, 5)
        picture = rows.reshape(n, down * TILE, across * TILE, k)[:, :h, :w]
        return picture.permute(0, 3, 1, 2)

    def _weights(self, tiles: int) -> Tensor:
        if tiles not in self._packed:
            spread = torch.tensor(_KERNEL, dtype=torch.float64)
            weight = self.conv.weight.detach().double()
            k, c = weight.shape[:2]
            points = torch.einsum("ij,kcjl,ml->imkc", spread, weight, spread).reshape(_POINTS * k, c, 1, 1)
            self._packed[tiles] = torch.ops.mkldnn._reorder_convolution_weight(
                points.float().contiguous(), [0, 0], [1, 1], [1, 1], _POINTS, [1, _POINTS * c, tiles, 1]
            )
        return self._packed[tiles]


class SubpixelUpsample(nn.Module):
    """diffusers' `Upsample2D` (nearest neighbour, then a 3 x 3 convolution) as one transposed convolution."""

    def __init__(self, upsample: Any) -> None:
        super().__init__()
        kernel = upsample.conv.weight.detach()
        k, c = kernel.shape[:2]
        spread = F.conv_transpose2d(kernel.reshape(-1, 1, 3, 3), torch.ones(1, 1, 2, 2))
        weight = spread.reshape(k, c, 4, 4).flip(2, 3).permute(1, 0, 2, 3)
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
        self.bias = upsample.conv.bias

    @staticmethod
    def fits(upsample: Any) -> bool:
        """True for doubling by nearest neighbour with a plain 3 x 3 convolution behind it."""
        conv = getattr(upsample, "conv", None)
        return (
            isinstance(conv, nn.Conv2d)
            and not upsample.use_conv_transpose
            and getattr(upsample, "norm", None) is None
            and (conv.kernel_size, conv.padding, conv.stride) == ((3, 3), (1, 1), (1, 1))
        )

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        """Pictures of twice the size. Another size is asked for only where a side was odd: that is interpolated."""
        h, w = x.shape[2:]
        if output_size is not None and tuple(output_size) != (2 * h, 2 * w):
            # What the stock layer does with an odd side: pick the nearest pixel, then convolve.
            enlarged = F.interpolate(x, size=output_size, mode="nearest")
            return F.conv2d(enlarged, self._kernel(), self.bias, padding=1)
        return F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)

    def _kernel(self) -> Tensor:
        """The 3 x 3 kernel again, by taking the running sum over 2 x 2 ones apart."""
        w = self.weight.flip(2, 3).permute(1, 0, 2, 3)
        rows = torch.stack([w[:, :, 0], w[:, :, 1] - w[:, :, 0], w[:, :, 3]], 2)
        return torch.stack([rows[..., 0], rows[..., 1] - rows[..., 0], rows[..., 3]], 3)


class FusedResnet(nn.Module):
    """diffusers' `ResnetBlock2D` with normalisation, scale, shift and activation in one pass."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

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
        block = self.block
        scale, shift = block.time_emb_proj(F.silu(temb)).chunk(2, dim=1)
        h = block.conv1(normalised(x, block.norm1))
        h = block.conv2(normalised(h, block.norm2, scale, shift))
        return h.add_(x if block.conv_shortcut is None else block.conv_shortcut(x))


def normalised(
    x: Tensor, norm: nn.GroupNorm, scale: Tensor | None = None, shift: Tensor | None = None
) -> Tensor:
    """silu(group_norm(x) * (1 + scale) + shift) of float32[n, c, h, w]; scale and shift are float32[n, c]."""
    n, c, h, w = x.shape
    values = x.permute(0, 2, 3, 1).reshape(n, h * w, c)
    count = h * w * c // norm.num_groups
    total = values.sum(1).view(n, norm.num_groups, -1).sum(2) / count
    square = (values * values).sum(1).view(n, norm.num_groups, -1).sum(2) / count
    root = torch.rsqrt((square - total * total).clamp_(min=0) + norm.eps)
    each = c // norm.num_groups
    slope = norm.weight * root.repeat_interleave(each, 1)
    offset = norm.bias - total.repeat_interleave(each, 1) * slope
    if scale is not None and shift is not None:
        slope, offset = slope * (1 + scale), offset * (1 + scale) + shift
    out = F.silu(torch.addcmul(offset[:, None], values, slope[:, None]), inplace=True)
    return out.view(n, h, w, c).permute(0, 3, 1, 2)
