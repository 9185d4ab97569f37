"""The embedded model's layers in forms that need fewer multiplications on a CPU, exact but for rounding.

Measured on one core, direct convolutions in single precision already run at the machine's peak; what is left is to
multiply less (`fast_filters`), and to pass over the values less often and compute nothing twice (`fast_blocks`, `fast_attention`).
Every layer computes a picture from that picture's values alone, in an order that the batch's size and
nothing else decides: the same request keeps the same bytes in any company.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from dco.generate.autoencoder import Residual
from dco.generate.diffusion.fast_attention import FusedTransformer, RememberedEmbedding
from dco.generate.diffusion.fast_blocks import ByHalves, FusedResidual, FusedResnet, NormalisedActivation
from dco.generate.diffusion.fast_filters import (
    PackedConv2d,
    PatchTransposed,
    SubpixelUpsample,
    WinogradConv2d,
)


def speed_up(network: nn.Module) -> nn.Module:
    """Swap every layer of a network on the CPU that has a faster form. Weights are shared, training is over.

    Elsewhere, or where torch was built without oneDNN, the network is returned as it is.
    """
    first = next(network.parameters())
    if first.device.type != "cpu" or first.dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return network
    _swap(network)
    if type(network).__name__ == "UNet2DConditionModel":
        _speed_up_ends(network)
    return network


def _speed_up_ends(unet: Any) -> None:
    """What stands before and behind a denoiser's blocks."""
    unet.conv_in = ByHalves(unet.conv_in)
    first = unet.down_blocks[0].resnets[0]
    if isinstance(first, FusedResnet):
        first.wordless = True
    if isinstance(unet.conv_norm_out, nn.GroupNorm) and isinstance(unet.conv_act, nn.SiLU):
        unet.conv_norm_out, unet.conv_act = NormalisedActivation(unet.conv_norm_out), nn.Identity()


def _swap(network: nn.Module) -> None:
    for name, part in list(network.named_children()):
        swapped = _faster(part)
        if swapped is not None:
            setattr(network, name, swapped)
        else:
            _swap(part)


def _faster(part: nn.Module) -> nn.Module | None:
    kind = type(part).__name__
    if type(part) is nn.Conv2d:
        if WinogradConv2d.fits(part):
            return WinogradConv2d(part)
        return PackedConv2d(part) if PackedConv2d.fits(part) else None
    if type(part) is nn.ConvTranspose2d:
        return PatchTransposed(part) if PatchTransposed.fits(part) else None
    if kind == "Upsample2D" and SubpixelUpsample.fits(part):
        return SubpixelUpsample(part)
    if kind == "Transformer2DModel" and FusedTransformer.fits(part):
        return FusedTransformer(part)
    if kind == "TextTimeEmbedding":
        return RememberedEmbedding(part)
    if isinstance(part, Residual):
        _swap(part)
        return FusedResidual(part)
    if kind == "ResnetBlock2D" and FusedResnet.fits(part):
        _swap(part)
        return FusedResnet(part)
    return None
