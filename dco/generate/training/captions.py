"""Captions for renders, and the tokenizer that knows each of their words as one token."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from dco.generate.vocabulary import (
    FILLERS,
    OPTIONAL,
    PALETTE_NOUNS,
    Look,
    every_phrase,
    phrases,
    prompt,
    scene_words,
)

OPENINGS = ("", "", "photo of ", "advertising backdrop, ", "background for a product ad, ", "a ")
NOT_STATED = "not stated"


def caption(look: Look, rng: np.random.Generator, drop: float = 0.1) -> tuple[str, dict[str, str]]:
    """Another way to write a look, and what it still states.

    Each part but the scene is left out with probability `drop`, written with a random synonym, in random order.
    """
    parts = {"palette": f"{look.palette} {rng.choice(PALETTE_NOUNS)}"}
    for attribute in ("light", "composition", *OPTIONAL):
        if written := phrases(attribute, getattr(look, attribute)):
            parts[attribute] = str(rng.choice(written))
    kept = [a for a in parts if rng.random() >= drop]
    rng.shuffle(kept)
    text = ", ".join([str(rng.choice(scene_words(look.scene))), *(parts[a] for a in kept)])
    return str(rng.choice(OPENINGS)) + text, {"scene": look.scene, **{a: getattr(look, a) for a in kept}}


def captions_of(look: Look, count: int, rng: np.random.Generator) -> list[str]:
    """The canonical caption first, then `count - 1` other ways to write it."""
    return [prompt(look), *(caption(look, rng)[0] for _ in range(count - 1))]


def every_word() -> list[str]:
    """All words that may stand in a caption, sorted."""
    texts = [phrase for _, _, phrase in every_phrase()] + [*OPENINGS, *FILLERS, *PALETTE_NOUNS]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+", text.lower())})


def build_tokenizer(scratch: Path, tokens: int) -> Any:
    """A CLIPTokenizer of our own byte-pair vocabulary.

    The merges are learnt rather than written by hand: hand-ordered merges split words, and a caption then loses its
    end to truncation without a word.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    bytes_ = _printable_bytes()
    trainer = trainers.BpeTrainer(
        vocab_size=6000,
        min_frequency=1,
        end_of_word_suffix="</w>",
        initial_alphabet=bytes_,
        show_progress=False,
    )
    learner.train_from_iterator((word for word in every_word() for _ in range(3)), trainer)
    merges = [
        tuple(m.split()) if isinstance(m, str) else tuple(m)
        for m in json.loads(learner.to_str())["model"]["merges"]
    ]
    entries = [*bytes_, *(b + "</w>" for b in bytes_), *("".join(m) for m in merges)]
    entries += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {entry: k for k, entry in enumerate(dict.fromkeys(entries))}
    scratch.mkdir(parents=True, exist_ok=True)
    vocab_file, merges_file = scratch / "vocab.json", scratch / "merges.txt"
    vocab_file.write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = "\n".join(" ".join(m) for m in merges)
    merges_file.write_text(f"#version: 0.2\n{lines}\n", encoding="utf-8")
    return CLIPTokenizer(vocab=str(vocab_file), merges=str(merges_file), model_max_length=tokens)


def token_ids(tokenizer: Any, texts: list[str]) -> Any:
    """int64[n, tokens], padded; what a pipeline would hand to the text encoder."""
    return tokenizer(
        texts,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids


def _printable_bytes() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in byte order of the printable ones first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + k) for k in range(len(rest))]
