"""Encode every render and its mirror image once, and write their captions; the denoiser then reads only these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dco.generate.autoencoder import PatchAutoencoder
from dco.generate.training.captions import captions_of, token_ids
from dco.generate.training.fit_autoencoder import to_tensor
from dco.generate.training.recipe import Recipe
from dco.generate.training.renders import label_file, look_of, mirrored, picture_file
from dco.generate.vocabulary import prompt


def encode_pictures(work: Path, recipe: Recipe, device: str = "cpu") -> None:
    """Write latents_<w>x<h>.npy, float16[2 n, c, h/8, w/8]: originals first, mirror images second.

    The last `held_out` originals of a size and their twins are left out.
    """
    model = _autoencoder(work).to(device, memory_format=torch.channels_last)
    for width, height in recipe.sizes:
        pictures = np.load(picture_file(work, width, height), mmap_mode="r")
        count = _trained_on(pictures, recipe)
        shape = (2 * count, recipe.latent_channels, height // 8, width // 8)
        latents = np.lib.format.open_memmap(latent_file(work, width, height), "w+", np.float16, shape)
        with torch.no_grad():
            for k in range(0, count, 64):
                x = to_tensor(pictures[k : min(k + 64, count)]).to(device, memory_format=torch.channels_last)
                latents[k : k + len(x)] = model.encode(x).latents.cpu().numpy()
                latents[count + k : count + k + len(x)] = model.encode(x.flip(3)).latents.cpu().numpy()
        latents.flush()


def write_captions(work: Path, recipe: Recipe) -> None:
    """Write captions_<w>x<h>.npy, int16[2 n, caption, token], in the order of the latents; the canonical caption first."""
    from transformers import CLIPTokenizer

    rng = np.random.default_rng(5)
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer", local_files_only=True)
    for width, height in recipe.sizes:
        labels = np.load(label_file(work, width, height))
        labels = labels[: _trained_on(labels, recipe)]
        rows = []
        for some in (labels, mirrored(labels)):
            for k in range(0, len(some), 512):
                texts = [
                    text
                    for row in some[k : k + 512]
                    for text in captions_of(look_of(row), recipe.captions_per_look, rng)
                ]
                rows.append(token_ids(tokenizer, texts).numpy().astype(np.int16))
        shape = (-1, recipe.captions_per_look, recipe.text_tokens)
        np.save(caption_file(work, width, height), np.concatenate(rows).reshape(shape))


def held_out_latents(work: Path, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents float32[held_out, c, h, w] of the main size that training never saw, and tokens of their captions."""
    from transformers import CLIPTokenizer

    width, height = recipe.main_size
    pictures = np.load(picture_file(work, width, height), mmap_mode="r")[-recipe.held_out :]
    labels = np.load(label_file(work, width, height))[-recipe.held_out :]
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer", local_files_only=True)
    with torch.no_grad():
        latents = _autoencoder(work).encode(to_tensor(pictures)).latents
    return latents, token_ids(tokenizer, [prompt(look_of(row)) for row in labels])


def latent_file(work: Path, width: int, height: int) -> Path:
    return work / f"latents_{width}x{height}.npy"


def caption_file(work: Path, width: int, height: int) -> Path:
    return work / f"captions_{width}x{height}.npy"


def _trained_on(rows: np.ndarray, recipe: Recipe) -> int:
    return len(rows) - min(recipe.held_out, len(rows) // 4)


def _autoencoder(work: Path) -> PatchAutoencoder:
    model: PatchAutoencoder = PatchAutoencoder.from_pretrained(work / "vae", use_safetensors=True)
    return model.eval()
