"""Encode every render and its mirror image once, and every caption once; the denoiser then reads only these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dco.generate.autoencoder import PatchAutoencoder
from dco.generate.training.captions import captions_of, every_look, look_number, token_ids
from dco.generate.training.fit_autoencoder import to_tensor
from dco.generate.training.recipe import Recipe
from dco.generate.training.renders import label_file, mirrored, picture_file


def encode_pictures(work: Path, recipe: Recipe) -> None:
    """Write latents_<w>x<h>.npy, float16[2 n, c, h/8, w/8], and looks_<w>x<h>.npy, int32[2 n] into `every_look`.

    Originals first, mirror images second; the last `held_out` originals of a size and their twins are left out.
    """
    model = PatchAutoencoder.from_pretrained(work / "vae", use_safetensors=True).eval()
    model.to(memory_format=torch.channels_last)
    for width, height in recipe.sizes:
        pictures = np.load(picture_file(work, width, height), mmap_mode="r")
        count = len(pictures) - min(recipe.held_out, len(pictures) // 4)
        labels = np.load(label_file(work, width, height))[:count]
        shape = (2 * count, recipe.latent_channels, height // 8, width // 8)
        latents = np.lib.format.open_memmap(latent_file(work, width, height), "w+", np.float16, shape)
        with torch.no_grad():
            for k in range(0, count, 64):
                x = to_tensor(pictures[k : min(k + 64, count)]).to(memory_format=torch.channels_last)
                latents[k : k + len(x)] = model.encode(x).latents.numpy()
                latents[count + k : count + k + len(x)] = model.encode(x.flip(3)).latents.numpy()
        latents.flush()
        looks = np.concatenate(
            [look_number(labels.astype(np.int64)), look_number(mirrored(labels).astype(np.int64))]
        )
        np.save(look_file(work, width, height), looks.astype(np.int32))


def encode_captions(work: Path, recipe: Recipe) -> None:
    """Write captions.npy, float32[look, caption, token, width]; the last look is the empty caption, repeated."""
    from transformers import CLIPTextModel, CLIPTokenizer

    rng = np.random.default_rng(5)
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer", local_files_only=True)
    encoder = CLIPTextModel.from_pretrained(
        work / "text_encoder", local_files_only=True, use_safetensors=True
    ).eval()
    count = recipe.captions_per_look
    texts = [text for look in every_look() for text in captions_of(look, count, rng)] + [""] * count
    with torch.no_grad():
        states = [encoder(token_ids(tokenizer, texts[k : k + 256]))[0] for k in range(0, len(texts), 256)]
    table = torch.cat(states).numpy()
    np.save(work / "captions.npy", table.reshape(-1, count, *table.shape[1:]))


def held_out_latents(work: Path, recipe: Recipe) -> tuple[torch.Tensor, np.ndarray]:
    """float32[held_out, c, h, w] latents of the main size that training never saw, and their looks."""
    width, height = max(recipe.sizes, key=lambda size: recipe.sizes[size])
    model = PatchAutoencoder.from_pretrained(work / "vae", use_safetensors=True).eval()
    pictures = np.load(picture_file(work, width, height), mmap_mode="r")[-recipe.held_out :]
    labels = np.load(label_file(work, width, height))[-recipe.held_out :]
    with torch.no_grad():
        return model.encode(to_tensor(pictures)).latents, look_number(labels.astype(np.int64))


def latent_file(work: Path, width: int, height: int) -> Path:
    return work / f"latents_{width}x{height}.npy"


def look_file(work: Path, width: int, height: int) -> Path:
    return work / f"looks_{width}x{height}.npy"
