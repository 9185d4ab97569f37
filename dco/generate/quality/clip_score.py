"""CLIP score: how well a picture fits its prompt (Hessel et al. 2021, CLIPScore), by a CLIP model from a local folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadModel
from dco.generate.diffusion.pipeline import quiet
from dco.generate.models.folder import check_files


class ClipScore:
    """A loaded transformers CLIPModel with its tokenizer and image preparation.

    Args:
        folder: config.json (model_type "clip"), model.safetensors, preprocessor_config.json and tokenizer.json.

    Raises:
        BadModel: the folder is missing, holds anything but data, or is no CLIP model.
    """

    def __init__(self, folder: str | Path) -> None:
        root = Path(folder)
        if not root.is_dir():
            raise BadModel(
                f"{root}: no such folder; expected a CLIP model with config.json and model.safetensors"
            )
        check_files(root)
        try:
            kind = json.loads((root / "config.json").read_text(encoding="utf-8")).get("model_type")
        except (OSError, ValueError, AttributeError):
            kind = None
        if kind != "clip":
            raise BadModel(f"{root / 'config.json'}: model_type is {kind!r}; expected 'clip'")
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with quiet():
                from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

                self._model = CLIPModel.from_pretrained(root, use_safetensors=True, **local).eval()
                self._pictures = CLIPImageProcessorPil.from_pretrained(root, **local)
                self._words = AutoTokenizer.from_pretrained(root, **local)
        except (OSError, ValueError, ImportError) as error:
            raise BadModel(
                f"{root}: not a CLIP model that can be loaded ({' '.join(str(error).split())[:200]})"
            ) from error

    @torch.no_grad()
    def __call__(self, pixels: NDArray[np.uint8], text: str) -> float:
        """Cosine similarity of picture and text, in [-1, 1]; what the encoder cannot read of a long text is cut."""
        longest = self._model.config.text_config.max_position_embeddings
        words = self._words([text], truncation=True, max_length=longest, return_tensors="pt")
        seen = self._pictures(images=Image.fromarray(pixels), return_tensors="pt")
        out = self._model(**words, pixel_values=seen["pixel_values"])
        return float((out.image_embeds * out.text_embeds).sum())
