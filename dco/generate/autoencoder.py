"""The embedded model's autoencoder: pictures to latents eight times smaller, in the shape diffusers expects of a VAE.

Both directions are a linear map of overlapping 16 x 16 patches plus a small residual network. The linear map starts
as the principal components of 8 x 8 patches, which is already a good codec; training then only has to make it robust
to the noise a sampler leaves in its latents. Latents are standardised per channel, so the scaling factor is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.utils import BaseOutput
from torch import Tensor, nn

PATCH = 8


@dataclass
class Encoded(BaseOutput):  # type: ignore[misc]
    """What `encode` returns; diffusers' pipelines read `latents`."""

    latents: Tensor


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity; starts close to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.second.weight.data.mul_(0.1)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class PatchAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A deterministic autoencoder that stands where a pipeline expects its VAE.

    Pictures are float[batch, 3, 8h, 8w] in [-1, 1]; latents are float[batch, channels, h, w], unit variance.
    `block_out_channels` is read by pipelines for its length alone: four entries mean a factor of eight.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 8,
        encoder_width: int = 64,
        decoder_widths: tuple[int, int, int] = (96, 48, 24),
        scaling_factor: float = 1.0,
        block_out_channels: tuple[int, ...] = (1, 1, 1, 1),
        force_upcast: bool = False,
        in_channels: int = 3,
        out_channels: int = 3,
    ) -> None:
        super().__init__()
        w8, w4, w2 = decoder_widths
        self.linear_in = nn.Conv2d(3, latent_channels, 2 * PATCH, PATCH, PATCH // 2)
        self.deep_in = nn.Sequential(
            nn.Conv2d(3, encoder_width // 2, 6, 4, 1),
            nn.SiLU(),
            nn.Conv2d(encoder_width // 2, encoder_width, 4, 2, 1),
            Residual(encoder_width),
            nn.SiLU(),
            nn.Conv2d(encoder_width, latent_channels, 1),
        )
        nn.init.zeros_(self.deep_in[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.deep_in[-1].bias)  # type: ignore[arg-type]
        self.register_buffer("latent_mean", torch.zeros(latent_channels))
        self.register_buffer("latent_std", torch.ones(latent_channels))
        self.linear_out = nn.ConvTranspose2d(latent_channels, 3, 2 * PATCH, PATCH, PATCH // 2)
        self.at8 = nn.Sequential(nn.Conv2d(latent_channels, w8, 3, padding=1), Residual(w8), Residual(w8))
        self.to4 = nn.Conv2d(w8, w4 * 4, 1)
        self.at4 = nn.Sequential(Residual(w4), Residual(w4))
        self.to2 = nn.Conv2d(w4, w2 * 4, 1)
        self.at2 = Residual(w2)
        self.out = nn.Conv2d(w2, 12, 3, padding=1)
        self.out.weight.data.mul_(0.1)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def raw_latents(self, x: Tensor) -> Tensor:
        """Latents before they are standardised."""
        return self.linear_in(x) + self.deep_in(x)

    def encode(self, x: Tensor, return_dict: bool = True) -> Any:
        """Latents of pictures."""
        z = (self.raw_latents(x) - self.latent_mean[:, None, None]) / self.latent_std[:, None, None]
        return Encoded(latents=z) if return_dict else (z,)

    def decode(self, z: Tensor, return_dict: bool = True, generator: Any = None) -> Any:
        """Pictures of latents. `generator` is taken because pipelines pass one; nothing here is random."""
        h = F.pixel_shuffle(self.to4(self.at8(z)), 2)
        h = F.pixel_shuffle(self.to2(self.at4(h)), 2)
        y = self.linear_out(z) + F.pixel_shuffle(self.out(self.at2(h)), 2)
        return DecoderOutput(sample=y) if return_dict else (y,)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures through the bottleneck and back."""
        return self.decode(self.encode(x).latents).sample

    @torch.no_grad()
    def start_from_principal_components(self, pictures: Tensor) -> float:
        """Set the linear maps to the principal components of 8 x 8 patches.

        Returns:
            The share of the patches' variance that the kept components explain.
        """
        kept, inside = self.latent_mean.numel(), slice(PATCH // 2, PATCH // 2 + PATCH)
        patches = F.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2).reshape(-1, 3 * PATCH * PATCH)
        mean = patches.mean(0)
        centred = patches - mean
        variance, axes = torch.linalg.eigh(centred.T @ centred / len(patches))
        variance, axes = variance.flip(0).clamp(min=1e-8), axes.flip(1)[:, :kept]
        scale = variance[:kept].sqrt()
        analysis, synthesis = (axes / scale).T, (axes * scale).T
        self.linear_in.weight.zero_()
        self.linear_in.weight[:, :, inside, inside] = analysis.reshape(kept, 3, PATCH, PATCH)
        analysis_bias, synthesis_bias = self.linear_in.bias, self.linear_out.bias
        assert analysis_bias is not None and synthesis_bias is not None  # both maps are built with one
        analysis_bias.copy_(-(analysis @ mean))
        self.linear_out.weight.zero_()
        self.linear_out.weight[:, :, inside, inside] = synthesis.reshape(kept, 3, PATCH, PATCH)
        synthesis_bias.copy_(mean.reshape(3, -1).mean(1))
        return float(variance[:kept].sum() / variance.sum())
