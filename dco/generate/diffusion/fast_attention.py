"""Attention of a denoiser in fewer and larger products, exact but for rounding.

Query, key and value are one product, weights are laid out once for oneDNN, and what the words alone decide is computed
once, not at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.transformers.transformer_2d import Transformer2DModelOutput
from torch import Tensor, nn

from dco.generate.diffusion.fast_blocks import normalised
from dco.generate.diffusion.fast_filters import LAYOUTS, kept


class Remembered:
    """What the words alone decide, kept while they stay the same; they are compared by value, so that none go stale."""

    def __init__(self, work: Callable[[Tensor], Any]) -> None:
        self._work = work
        self._known: dict[tuple[int, ...], tuple[Tensor, Any]] = {}

    def __call__(self, words: Tensor) -> Any:
        shape = tuple(words.shape)
        known = self._known.get(shape)
        if known is None or not torch.equal(known[0], words):
            if len(self._known) >= LAYOUTS:
                self._known.clear()
            known = self._known[shape] = (words.clone(), self._work(words))
        return known[1]


class RememberedEmbedding(nn.Module):
    """diffusers' `TextTimeEmbedding`, which pools the words, computed when they change and not at every step."""

    def __init__(self, embedding: Any) -> None:
        super().__init__()
        self.embedding = embedding
        self._remembered = Remembered(embedding)

    def forward(self, words: Tensor) -> Tensor:
        pooled: Tensor = self._remembered(words)
        return pooled


class PackedLinear:
    """x @ weight.T + bias by oneDNN, whose layout of the weights is made once per number of rows."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._weight, self._bias = weight.detach().reshape(len(weight), -1).contiguous(), bias
        self._packed: dict[int, Tensor] = {}

    def __call__(self, x: Tensor, activation: str = "none") -> Tensor:
        rows = x.numel() // x.shape[-1]
        weight = kept(self._packed, rows, lambda: torch.ops.mkldnn._reorder_linear_weight(self._weight, rows))
        done: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, weight, self._bias, activation, [], "none" if activation == "gelu" else ""
        )
        return done


class FusedTransformer(nn.Module):
    """diffusers' `Transformer2DModel` of pictures, with self attention, words and gated feed forward."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self._layers = [_Layer(layer) for layer in block.transformer_blocks]
        self._into = PackedLinear(block.proj_in.weight, block.proj_in.bias)
        self._out_of = PackedLinear(block.proj_out.weight, block.proj_out.bias)

    @staticmethod
    def fits(block: Any) -> bool:
        """True for continuous inputs and plain layers."""
        return bool(
            block.is_input_continuous and all(_Layer.fits(layer) for layer in block.transformer_blocks)
        )

    def forward(
        self, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *more: Any,
        return_dict: bool = True, **options: Any,
    ) -> Any:  # fmt: skip
        """As diffusers' own; what masks or adapters ask for is left to that."""
        if encoder_hidden_states is None or more or any(v is not None for v in options.values()):
            return self.block(hidden_states, encoder_hidden_states, *more, return_dict=return_dict, **options)
        done = self.attended(hidden_states, encoder_hidden_states)
        return Transformer2DModelOutput(sample=done) if return_dict else (done,)

    def attended(self, x: Tensor, words: Tensor) -> Tensor:
        """float32[n, c, h, w] under n sequences of words."""
        n, c, h, w = x.shape
        rows = normalised(x, self.block.norm, activate=False).permute(0, 2, 3, 1).reshape(n, h * w, c)
        hidden = self._into(rows)
        for layer in self._layers:
            hidden = layer(hidden, words)
        return self._out_of(hidden).view(n, h, w, c).permute(0, 3, 1, 2).add_(x)


class _Layer:
    """One `BasicTransformerBlock`; shapes are [n, places, channels]."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._heads = layer, layer.attn1.heads
        mine, theirs, (gate, _, out) = layer.attn1, layer.attn2, layer.ff.net
        self._qkv = PackedLinear(*_stacked(mine.to_q, mine.to_k, mine.to_v))
        self._kv = PackedLinear(*_stacked(theirs.to_k, theirs.to_v))
        self._q = PackedLinear(theirs.to_q.weight, theirs.to_q.bias)
        self._outs = [PackedLinear(a.to_out[0].weight, a.to_out[0].bias) for a in (mine, theirs)]
        (value, gated), (value_bias, gated_bias) = gate.proj.weight.chunk(2), gate.proj.bias.chunk(2)
        self._value, self._gate = PackedLinear(value, value_bias), PackedLinear(gated, gated_bias)
        self._out = PackedLinear(out.weight, out.bias)
        self._keys_and_values = Remembered(self._split)

    @staticmethod
    def fits(layer: Any) -> bool:
        """True for self attention, attention to words and GEGLU behind plain layer normalisations."""
        plain = layer.norm_type == "layer_norm" and layer.pos_embed is None and layer._chunk_size is None
        attentions = (layer.attn1, layer.attn2)
        if not plain or layer.only_cross_attention or layer.attn2 is None or hasattr(layer, "fuser"):
            return False
        gate = layer.ff.net[0]
        return (
            type(gate).__name__ == "GEGLU"
            and gate.proj.bias is not None
            and len(layer.ff.net) == 3
            and all(_plain(attention) for attention in attentions)
        )

    def __call__(self, x: Tensor, words: Tensor) -> Tensor:
        layer, (n, places, _) = self._layer, x.shape
        q, k, v = (
            self._qkv(layer.norm1(x)).view(n, places, 3, self._heads, -1).permute(2, 0, 3, 1, 4).unbind()
        )
        own = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, places, -1)
        x = self._outs[0](own).add_(x)
        q = self._q(layer.norm2(x))
        x = self._outs[1](self._read(q, words)).add_(x)
        y = layer.norm3(x)
        return self._out(self._value(y).mul_(self._gate(y, "gelu"))).add_(x)

    def _read(self, q: Tensor, words: Tensor) -> Tensor:
        n, places, c = q.shape
        keys, values = self._keys_and_values(words)
        heads = q.view(n, places, self._heads, -1).transpose(1, 2).reshape(n * self._heads, places, -1)
        found = torch.bmm(torch.bmm(heads, keys).softmax(-1), values)
        return found.view(n, self._heads, places, -1).transpose(1, 2).reshape(n, places, c)

    def _split(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled keys [n * heads, width, length] and values [n * heads, length, width] of the words."""
        n, length = words.shape[:2]
        k, v = self._kv(words).view(n, length, 2, self._heads, -1).permute(2, 0, 3, 1, 4).unbind()
        k = (k * k.shape[-1] ** -0.5).transpose(2, 3).flatten(0, 1).contiguous()
        return k, v.flatten(0, 1).contiguous()


def _plain(attention: Any) -> bool:
    return (
        type(attention.processor) is AttnProcessor2_0
        and all(
            getattr(attention, name) is None for name in ("spatial_norm", "group_norm", "norm_q", "norm_k")
        )
        and not attention.norm_cross
        and not attention.residual_connection
        and attention.rescale_output_factor == 1.0
    )


def _stacked(*layers: nn.Linear) -> tuple[Tensor, Tensor | None]:
    weights: list[Tensor] = [layer.weight for layer in layers]
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    return torch.cat(weights), torch.cat(biases) if biases else None
