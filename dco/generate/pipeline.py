"""What the backends share once torch is there: loading a judged folder quietly, prompts that fit, seeds."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

# diffusers imports no module just because a model folder names it: ours has to be here before it loads.
import dco.generate.autoencoder  # noqa: F401
from dco.errors import BadModel
from dco.generate.batching import reason
from dco.generate.model_folder import ModelFolder

_NOT_NETWORKS = ("Tokenizer", "TokenizerFast", "ImageProcessor", "FeatureExtractor")


def load(folder: ModelFolder, *, device: str, dtype: torch.dtype, variant: str | None = None) -> Any:
    """The folder's text-to-image pipeline, ready to run. A folder with one variant only needs no `variant`.

    Raises:
        BadModel: the weights do not fit the configuration, or a file is missing.
    """
    with quiet():
        from diffusers import AutoPipelineForText2Image

        asked: dict[str, Any] = {
            "use_safetensors": True,
            "local_files_only": True,
            "variant": variant or folder.only_variant,
        }
        try:
            encoders = {
                name: _encoder(folder, name, dtype=dtype, **asked)
                for name, (library, kind) in folder.components.items()
                if library == "transformers" and not kind.endswith(_NOT_NETWORKS)
            }
            pipe = AutoPipelineForText2Image.from_pretrained(
                str(folder.path), torch_dtype=dtype, **asked, **encoders
            )
        except BadModel:
            raise
        except Exception as error:
            raise BadModel(f"{folder.path}: cannot be loaded ({reason(error)})") from error
        _refuse_invented_weights(folder, pipe)
        pipe.set_progress_bar_config(disable=True)
        return pipe.to(device)


def image_to_image(pipe: Any) -> Any:
    """The image-to-image pipeline over the same weights.

    Raises:
        BadModel: this kind of model has none.
    """
    with quiet():
        from diffusers import AutoPipelineForImage2Image

        try:
            other = AutoPipelineForImage2Image.from_pipe(pipe)
        except ValueError as error:
            raise BadModel(
                f"{type(pipe).__name__} has no image-to-image form; ask for strength 1 (text to image)"
            ) from error
        other.set_progress_bar_config(disable=True)
        return other


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no advice: what matters of it is checked here and raised."""
    import diffusers
    import transformers

    rooms = (diffusers.utils.logging, transformers.utils.logging)
    levels = [room.get_verbosity() for room in rooms]
    for room in rooms:
        room.set_verbosity_error()
        room.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for room, level in zip(rooms, levels, strict=True):
            room.set_verbosity(level)
            room.enable_progress_bar()


def prompt_problem(pipe: Any, prompt: str) -> str | None:
    """Why no text encoder of the pipeline reads the whole prompt; None when one does. Nothing is ever cut."""
    problem = None
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipe, name, None)
        if tokenizer is None:
            continue
        encoder = getattr(pipe, name.replace("tokenizer", "text_encoder"), None)
        limit = _limit(pipe, tokenizer, encoder)
        count = len(tokenizer(prompt, truncation=False, verbose=False).input_ids)
        if count <= limit:
            return None
        problem = f"prompt of {count} tokens, of which the text encoder reads {limit}; shorten it"
    return problem


def seeds(values: Sequence[int]) -> list[torch.Generator]:
    """One generator per picture, on the CPU: the same noise on every device and in any company."""
    return [torch.Generator("cpu").manual_seed(value) for value in values]


def latents_of(vae: Any, pictures: Tensor) -> Tensor:
    """Latents of pictures in [-1, 1], without chance."""
    encoded = vae.encode(pictures)
    return encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()


def _limit(pipe: Any, tokenizer: Any, encoder: Any) -> int:
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
    if positions:
        limits.append(int(positions))
    else:  # T5 and language models have no positions of their own; the pipeline's argument says where it cuts
        argument = inspect.signature(type(pipe).__call__).parameters.get("max_sequence_length")
        if argument is not None and isinstance(argument.default, int):
            limits.append(argument.default)
    return min(limits)


def _encoder(folder: ModelFolder, name: str, **asked: Any) -> Any:
    """A text encoder whose every tensor came from the file: transformers only says what it had to invent."""
    import transformers

    kind = getattr(transformers, folder.components[name][1])
    part, found = kind.from_pretrained(str(folder.path / name), output_loading_info=True, **asked)
    # Tables of positions are computed, not learnt; old files have them and new ones do not.
    missing = [key for key in found["missing_keys"] if not key.endswith("position_ids")]
    if missing:
        raise BadModel(
            f"{folder.path / name}: has no weights for {min(missing)!r} and {len(missing) - 1} others"
        )
    return part


def _refuse_invented_weights(folder: ModelFolder, pipe: Any) -> None:
    """diffusers leaves a missing tensor without a value and only warns: such a model is refused."""
    for name in folder.components:
        part = getattr(pipe, name, None)
        if not isinstance(part, torch.nn.Module):
            continue
        meta = [key for key, value in part.state_dict().items() if value.is_meta]
        if meta:
            raise BadModel(f"{folder.path / name}: has no weights for {meta[0]!r} and {len(meta) - 1} others")
