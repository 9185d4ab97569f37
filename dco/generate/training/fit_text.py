"""Fit the text encoder by letting it name the attributes a caption states, then leave it alone.

A text encoder trained with the denoiser needs most of its samples to learn what the words mean; trained first, as a
classifier in which "not stated" is a class, it needs half a minute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dco.generate.training.captions import NOT_STATED, build_tokenizer, caption, token_ids
from dco.generate.training.recipe import Recipe
from dco.generate.training.renders import look_of, random_labels
from dco.generate.vocabulary import ATTRIBUTES, values

EMPTY_SHARE = 0.05


def fit_text(work: Path, recipe: Recipe) -> float:
    """Train and save work/text_encoder and work/tokenizer.

    Returns:
        The share of attributes named rightly on fresh captions.
    """
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    tokenizer = build_tokenizer(work / "bpe", recipe.text_tokens)
    encoder = _encoder(tokenizer, recipe)
    classes = [len(values(a)) + 1 for a in ATTRIBUTES]
    heads = nn.ModuleList(nn.Linear(recipe.text_width, sum(classes)) for _ in range(2))
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, recipe.text_rate, weight_decay=0.01)
    for step in range(recipe.text_steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.text_rate * min(1, step / 50) * max(0.02, 1 - step / recipe.text_steps)
        ids, labels = _batch(tokenizer, recipe.text_batch, rng)
        outputs = _logits(encoder, heads, ids, classes, tokenizer.eos_token_id)
        loss = torch.stack(
            [F.cross_entropy(o, labels[:, k]) for logits in outputs for k, o in enumerate(logits)]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    encoder.eval().save_pretrained(work / "text_encoder")
    tokenizer.save_pretrained(work / "tokenizer")
    return _accuracy(encoder, heads, tokenizer, classes, rng)


def _encoder(tokenizer: Any, recipe: Recipe) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.text_width,
            intermediate_size=2 * recipe.text_width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=recipe.text_tokens,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            projection_dim=recipe.text_width,
        )
    )
    for name, parameter in encoder.named_parameters():
        if "embedding" in name:  # CLIP's initial 0.02 is for a long training; this one is short
            parameter.data.mul_(10.0)
    return encoder.train()


def _batch(tokenizer: Any, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    texts, labels = [], []
    for look in map(look_of, random_labels(count, rng)):
        text, stated = ("", {}) if rng.random() < EMPTY_SHARE else caption(look, rng, drop=0.12)
        texts.append(text)
        labels.append([(*values(a), NOT_STATED).index(stated.get(a, NOT_STATED)) for a in ATTRIBUTES])
    return token_ids(tokenizer, texts), torch.tensor(labels)


def _logits(
    encoder: Any, heads: nn.ModuleList, ids: Tensor, classes: list[int], end: int
) -> list[tuple[Tensor, ...]]:
    """From the mean of all states, and from the state at the caption's end: the denoiser reads both."""
    states = encoder(ids)[0]
    at_end = states[torch.arange(len(ids)), ids.eq(end).int().argmax(1)]
    return [head(x).split(classes, 1) for head, x in zip(heads, (states.mean(1), at_end), strict=True)]


@torch.no_grad()
def _accuracy(
    encoder: Any,
    heads: nn.ModuleList,
    tokenizer: Any,
    classes: list[int],
    rng: np.random.Generator,
) -> float:
    ids, labels = _batch(tokenizer, 400, rng)
    logits = _logits(encoder, heads, ids, classes, tokenizer.eos_token_id)[0]
    right = [(o.argmax(1) == labels[:, k]).float().mean() for k, o in enumerate(logits)]
    return float(torch.stack(right).mean())
