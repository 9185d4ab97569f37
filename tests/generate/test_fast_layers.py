"""Every faster layer against the stock layer it stands for, and the whole denoiser against the stock denoiser."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dco.generate.diffusion import fast_layers
from dco.generate.diffusion.fast_layers import (
    FusedResnet,
    SubpixelUpsample,
    WinogradConv2d,
    normalised,
    speed_up,
)

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")


def pictures(*shape: int) -> torch.Tensor:
    torch.manual_seed(sum(shape))
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


@needs_onednn
@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17), st.sampled_from([(96, 96), (128, 96)]))
@torch.inference_mode()
def test_winograd_is_the_convolution_at_any_size(n: int, h: int, w: int, channels: tuple[int, int]) -> None:
    torch.manual_seed(h)
    conv = nn.Conv2d(*channels, 3, padding=1)
    x = pictures(n, channels[0], h, w)
    exact = F.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)  # type: ignore[union-attr]
    torch.testing.assert_close(WinogradConv2d(conv)(x), exact.float(), atol=1e-4, rtol=1e-4)


@needs_onednn
@torch.inference_mode()
def test_a_picture_has_the_same_winograd_bytes_at_any_place_of_a_batch() -> None:
    layer = WinogradConv2d(nn.Conv2d(128, 128, 3, padding=1))
    x = pictures(8, 128, 8, 8)
    for order in (torch.arange(8).flip(0), torch.tensor([3, 3, 1, 7, 0, 0, 2, 5])):
        assert torch.equal(layer(x[order]), layer(x)[order])


@pytest.mark.parametrize("conv", [
    nn.Conv2d(128, 128, 1), nn.Conv2d(128, 128, 3, 2, 1), nn.Conv2d(8, 128, 3, padding=1),
    nn.Conv2d(128, 128, 3, padding=1, groups=2), nn.Conv2d(128, 128, 3),
])  # fmt: skip
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    assert not WinogradConv2d.fits(conv)


@pytest.mark.parametrize("size", [None, (10, 14), (9, 13), (10, 13)])
@torch.inference_mode()
def test_upsampling_by_subpixels_is_upsampling(size: tuple[int, int] | None) -> None:
    stock = Upsample2D(6, use_conv=True, out_channels=6)
    assert SubpixelUpsample.fits(stock)
    x = pictures(2, 6, 5, 7)
    torch.testing.assert_close(
        SubpixelUpsample(stock)(x, size), stock(x, output_size=size), atol=1e-5, rtol=1e-4
    )


@torch.inference_mode()
def test_the_fused_block_is_the_block() -> None:
    stock = ResnetBlock2D(
        in_channels=32, out_channels=48, temb_channels=20, groups=8, time_embedding_norm="scale_shift"
    ).eval()
    assert FusedResnet.fits(stock)
    x, temb = pictures(3, 32, 6, 6) + 2, torch.randn(3, 20)
    torch.testing.assert_close(
        FusedResnet(copy.deepcopy(stock))(x, temb), stock(x, temb), atol=1e-5, rtol=1e-4
    )


@torch.inference_mode()
def test_normalisation_keeps_a_value_that_is_not_finite() -> None:
    norm, x = nn.GroupNorm(2, 4), pictures(2, 4, 3, 3)
    x[0, 0, 0, 0] = float("nan")
    assert normalised(x, norm)[0, 0].isnan().all()
    assert normalised(x, norm)[1].isfinite().all()


@needs_onednn
@torch.inference_mode()
def test_the_whole_denoiser_predicts_the_same_in_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_layers, "LEAST_CHANNELS", 16)
    torch.manual_seed(0)
    stock = UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        cross_attention_dim=8, attention_head_dim=4, norm_num_groups=4, resnet_time_scale_shift="scale_shift",
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip
    fast = speed_up(copy.deepcopy(stock))
    kinds = {type(part).__name__ for part in fast.modules()}
    assert {"WinogradConv2d", "SubpixelUpsample", "FusedResnet"} <= kinds
    for size in ((16, 16), (12, 24), (10, 6)):
        x, words = pictures(2, 4, *size), torch.randn(2, 5, 8)
        expected = stock(x, 300, encoder_hidden_states=words).sample
        torch.testing.assert_close(
            fast(x, 300, encoder_hidden_states=words).sample, expected, atol=2e-4, rtol=1e-3
        )


def test_what_is_not_on_the_cpu_is_left_alone() -> None:
    conv = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1)).to("meta")
    assert type(speed_up(conv)[0]) is nn.Conv2d  # type: ignore[index]
