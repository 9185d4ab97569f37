"""Every faster layer against the stock layer it stands for, and the whole networks against the stock ones."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dco.generate.autoencoder import PatchAutoencoder
from dco.generate.diffusion import fast_filters
from dco.generate.diffusion.fast_attention import FusedTransformer
from dco.generate.diffusion.fast_blocks import FusedResnet, by_halves, normalised
from dco.generate.diffusion.fast_filters import (
    PackedConv2d,
    PatchTransposed,
    SubpixelUpsample,
    WinogradConv2d,
)
from dco.generate.diffusion.fast_layers import speed_up

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")


def pictures(*shape: int) -> torch.Tensor:
    torch.manual_seed(sum(shape))
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def denoiser() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        cross_attention_dim=8, attention_head_dim=4, norm_num_groups=4, resnet_time_scale_shift="scale_shift",
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        addition_embed_type="text", addition_embed_type_num_heads=2,
    ).eval().requires_grad_(False)  # fmt: skip


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17), st.sampled_from([(96, 96), (128, 96)]))
@torch.inference_mode()
def test_winograd_is_the_convolution_at_any_size(n: int, h: int, w: int, channels: tuple[int, int]) -> None:
    torch.manual_seed(h)
    conv = nn.Conv2d(*channels, 3, padding=1)
    x = pictures(n, channels[0], h, w)
    exact = F.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)  # type: ignore[union-attr]
    torch.testing.assert_close(WinogradConv2d(conv)(x), exact.float(), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_winograd_gathers_in_parts_what_it_gathers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = WinogradConv2d(nn.Conv2d(96, 96, 3, padding=1)), pictures(5, 96, 8, 8)
    at_once = layer(x)
    for values in (1, 2 * 4 * 36 * 96):
        monkeypatch.setattr(fast_filters, "CACHED", values)
        assert torch.equal(layer(x), at_once)


@torch.inference_mode()
def test_a_picture_has_the_same_winograd_bytes_at_any_place_of_a_batch() -> None:
    layer = WinogradConv2d(nn.Conv2d(128, 128, 3, padding=1))
    x = pictures(8, 128, 8, 8)
    for order in (torch.arange(8).flip(0), torch.tensor([3, 3, 1, 7, 0, 0, 2, 5])):
        assert torch.equal(layer(x[order]), layer(x)[order])


@pytest.mark.parametrize("conv", [
    nn.Conv2d(128, 128, 1), nn.Conv2d(128, 128, 3, 2, 1), nn.Conv2d(8, 128, 3, padding=1),
    nn.Conv2d(128, 128, 3, padding=1, groups=2), nn.Conv2d(128, 128, 3),
    nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"),
])  # fmt: skip
def test_other_convolutions_are_not_filtered(conv: nn.Conv2d) -> None:
    assert not WinogradConv2d.fits(conv)


@pytest.mark.parametrize("conv", [
    nn.Conv2d(6, 5, 1), nn.Conv2d(6, 5, 3, 2, 1), nn.Conv2d(6, 5, 3, padding=2, dilation=2, bias=False),
])  # fmt: skip
@torch.inference_mode()
def test_packed_weights_make_the_same_convolution_at_every_shape(conv: nn.Conv2d) -> None:
    packed = PackedConv2d(conv)
    for side in range(5, 5 + fast_filters.LAYOUTS + 2):
        x = pictures(2, 6, side, 9)
        torch.testing.assert_close(packed(x), conv(x), atol=1e-5, rtol=1e-5)
        onto = torch.ones_like(conv(x))
        torch.testing.assert_close(packed.calculated(x, onto), conv(x) + 1, atol=1e-5, rtol=1e-5)
    assert len(packed._packed) <= fast_filters.LAYOUTS


@pytest.mark.parametrize("conv", [
    nn.Conv2d(6, 6, 3, padding=1, padding_mode="reflect"), nn.Conv2d(6, 6, 3, padding="same"),
])  # fmt: skip
def test_convolutions_with_other_borders_are_left_alone(conv: nn.Conv2d) -> None:
    assert not PackedConv2d.fits(conv)


@pytest.mark.parametrize("shape", [(8, 8), (5, 7), (1, 1), (6, 4)])
@torch.inference_mode()
def test_upsampling_of_the_small_picture_is_upsampling(shape: tuple[int, int]) -> None:
    stock = Upsample2D(96, use_conv=True, out_channels=96)
    assert SubpixelUpsample.fits(stock)
    h, w = shape
    x = pictures(2, 96, h, w)
    for size in (None, (2 * h, 2 * w), (2 * h - 1, 2 * w)):
        torch.testing.assert_close(
            SubpixelUpsample(stock)(x, size), stock(x, output_size=size), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_overlapping_patches_are_a_convolution(bias: bool) -> None:
    stock = nn.ConvTranspose2d(5, 3, 16, 8, 4, bias=bias)
    assert PatchTransposed.fits(stock)
    x = pictures(2, 5, 3, 4)
    torch.testing.assert_close(PatchTransposed(stock)(x), stock(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("conv", [
    nn.ConvTranspose2d(5, 3, 4, 2, 1), nn.ConvTranspose2d(5, 3, 16, 8, 0), nn.ConvTranspose2d(5, 3, 8, 8, 4),
])  # fmt: skip
def test_other_transposed_convolutions_are_left_alone(conv: nn.ConvTranspose2d) -> None:
    assert not PatchTransposed.fits(conv)


@pytest.mark.parametrize("wordless", [True, False])
@torch.inference_mode()
def test_the_fused_block_is_the_block(wordless: bool) -> None:
    stock = ResnetBlock2D(
        in_channels=32, out_channels=48, temb_channels=20, groups=8, time_embedding_norm="scale_shift"
    ).eval()
    assert FusedResnet.fits(stock)
    x, temb = pictures(4, 32, 6, 6) + 2, torch.randn(4, 20)
    torch.testing.assert_close(
        FusedResnet(copy.deepcopy(stock), wordless)(x, temb), stock(x, temb), atol=1e-5, rtol=1e-4
    )


@torch.inference_mode()
def test_normalisation_keeps_a_value_that_is_not_finite() -> None:
    norm, x = nn.GroupNorm(2, 4), pictures(2, 4, 3, 3)
    x[0, 0, 0, 0] = float("nan")
    assert normalised(x, norm)[0, 0].isnan().all()
    assert normalised(x, norm)[1].isfinite().all()


@torch.inference_mode()
def test_equal_halves_are_worked_on_once_and_have_the_bytes_of_unequal_ones() -> None:
    conv, x = nn.Conv2d(64, 64, 3, padding=1), pictures(8, 64, 8, 8)
    sizes: list[int] = []

    def work(part: torch.Tensor) -> torch.Tensor:
        sizes.append(len(part))
        done: torch.Tensor = conv(part)
        return done

    apart = by_halves(work, x)
    twice = by_halves(work, torch.cat([x[:4], x[:4]]))
    assert sizes == [4, 4, 4]
    assert torch.equal(twice[:4], apart[:4]) and torch.equal(twice[4:], apart[:4])


@pytest.mark.parametrize("linear", [True, False])
@torch.inference_mode()
def test_the_fused_transformer_is_the_transformer_and_sees_words_change_in_place(linear: bool) -> None:
    torch.manual_seed(1)
    stock = Transformer2DModel(
        2, 8, 16, num_layers=2, norm_num_groups=4, cross_attention_dim=12, use_linear_projection=linear
    ).eval()
    assert FusedTransformer.fits(stock)
    fast = FusedTransformer(stock)
    x, words = pictures(3, 16, 4, 5), torch.randn(3, 7, 12)
    for _ in range(3):
        expected = stock(x, encoder_hidden_states=words).sample
        torch.testing.assert_close(
            fast(x, encoder_hidden_states=words).sample, expected, atol=1e-5, rtol=1e-4
        )
        words[1].mul_(-1.5)


@torch.inference_mode()
def test_what_asks_for_a_mask_gets_the_stock_transformer() -> None:
    stock = Transformer2DModel(2, 8, 16, norm_num_groups=4, cross_attention_dim=12).eval()
    x, words, mask = pictures(2, 16, 4, 4), torch.randn(2, 7, 12), torch.arange(7).repeat(2, 1) < 3
    masked = FusedTransformer(stock)(x, words, encoder_attention_mask=mask, return_dict=False)[0]
    assert torch.equal(masked, stock(x, words, encoder_attention_mask=mask, return_dict=False)[0])
    assert not torch.allclose(masked, stock(x, words, return_dict=False)[0])


def test_a_transformer_of_another_kind_is_left_alone() -> None:
    other = Transformer2DModel(2, 8, 16, norm_num_groups=4, cross_attention_dim=12, activation_fn="gelu")
    assert not FusedTransformer.fits(other)


@torch.inference_mode()
def test_the_whole_denoiser_predicts_the_same_in_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_filters, "LEAST_CHANNELS", 16)
    stock = denoiser()
    fast = speed_up(copy.deepcopy(stock))
    kinds = {type(part).__name__ for part in fast.modules()}
    assert {
        "WinogradConv2d", "SubpixelUpsample", "FusedResnet", "FusedTransformer", "RememberedEmbedding",
        "NormalisedActivation", "ByHalves",
    } <= kinds  # fmt: skip
    for size in ((16, 16), (12, 24), (10, 6)):
        x, words = pictures(2, 4, *size), torch.randn(2, 5, 8)
        for time in (300, torch.tensor(20)):
            expected = stock(x, time, encoder_hidden_states=words).sample
            torch.testing.assert_close(
                fast(x, time, encoder_hidden_states=words).sample, expected, atol=2e-4, rtol=1e-3
            )


@torch.inference_mode()
def test_a_picture_has_the_same_denoised_bytes_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_filters, "LEAST_CHANNELS", 16)
    fast = speed_up(denoiser())
    x, words = pictures(4, 4, 16, 16), torch.randn(4, 5, 8)

    def made(order: list[int]) -> torch.Tensor:
        done: torch.Tensor = fast(x[order], 300, encoder_hidden_states=words[order], return_dict=False)[0]
        return done

    company = made([0, 1, 2, 3])
    for order in ([3, 2, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1]):
        assert torch.equal(made(order), company[order])


@torch.inference_mode()
def test_the_whole_autoencoder_does_the_same() -> None:
    torch.manual_seed(0)
    stock = PatchAutoencoder(4, 8, (96, 8, 8)).eval()
    fast = speed_up(copy.deepcopy(stock))
    kinds = {type(part).__name__ for part in fast.modules()}
    assert {"WinogradConv2d", "PatchTransposed", "PackedConv2d", "FusedResidual"} <= kinds
    x = pictures(2, 3, 64, 32)
    for _ in range(2):
        torch.testing.assert_close(fast(x), stock(x), atol=1e-4, rtol=1e-4)


def test_what_is_not_on_the_cpu_or_of_another_precision_is_left_alone() -> None:
    for conv in (nn.Conv2d(128, 128, 3, padding=1).to("meta"), nn.Conv2d(128, 128, 3, padding=1).double()):
        assert type(speed_up(nn.Sequential(conv))[0]) is nn.Conv2d  # type: ignore[index]
