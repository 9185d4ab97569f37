"""What the backends share once torch is there: loading a judged folder quietly, prompts that fit, seeds."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# diffusers imports no module just because a model folder names it: ours has to be here before it loads.
import dco.generate.autoencoder  # noqa: F401
from dco.errors import BadModel
from dco.generate.batching import reason
from dco.generate.models.classes import ARCHITECTURE, FORMS
from dco.generate.models.folder import ModelFolder

_NOT_NETWORKS = ("Tokenizer", "TokenizerFast", "ImageProcessor", "FeatureExtractor")


def load(folder: ModelFolder, *, device: str, dtype: torch.dtype, variant: str | None = None) -> Any:
    """The text-to-image pipeline of the folder's architecture, whatever form it was saved as. A folder with one variant
    only needs no `variant`.

    Raises:
        BadModel: the weights do not fit the configuration, or a file is missing.
    """
    with quiet():
        import diffusers

        kind = getattr(diffusers, FORMS[ARCHITECTURE[folder.pipeline]]["text"])
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
            pipe = kind.from_pretrained(str(folder.path), torch_dtype=dtype, **asked, **encoders)
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
    return form(pipe, "image")


def form(pipe: Any, wanted: str, **more: Any) -> Any:
    """Another pipeline over the same weights.

    Args:
        wanted: a key of `FORMS`, such as "inpaint" or "control image".
        more: parts and settings of the new pipeline that the old one lacks.

    Raises:
        BadModel: this kind of model has no such form.
    """
    architecture = ARCHITECTURE[type(pipe).__name__]
    name = FORMS[architecture].get(wanted)
    if name is None:
        can = ", ".join(f for f in FORMS[architecture] if f != "control net")
        raise BadModel(f"{architecture} checkpoints draw no {wanted!r} here; they can: {can}")
    with quiet():
        import diffusers

        kind = getattr(diffusers, name)
        takes = inspect.signature(kind.__init__).parameters
        parts = {key: part for key, part in pipe.components.items() if key in takes}
        settings = {key: pipe.config[key] for key in takes if key in pipe.config and key not in parts}
        other = kind(**{**settings, **parts, **{key: value for key, value in more.items() if key in takes}})
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


def prompt_problem(pipe: Any, prompt: str, max_sequence: int | None = None) -> str | None:
    """Why no text encoder of the pipeline reads the whole prompt; None when one does. Nothing is ever cut.

    Args:
        max_sequence: tokens that a language encoder is given; default the pipeline's own number.
    """
    problem = None
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipe, name, None)
        if tokenizer is None:
            continue
        encoder = getattr(pipe, name.replace("tokenizer", "text_encoder"), None)
        limit = _limit(pipe, tokenizer, encoder, max_sequence)
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


def _limit(pipe: Any, tokenizer: Any, encoder: Any, max_sequence: int | None) -> int:
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
    if positions:
        limits.append(int(positions))
    else:  # T5 and language models have no positions of their own; the pipeline's argument says where it cuts
        argument = inspect.signature(type(pipe).__call__).parameters.get("max_sequence_length")
        if argument is not None and isinstance(argument.default, int):
            limits.append(max_sequence or argument.default)
    return min(limits)


def network(library: str, class_name: str, folder: Path, *, dtype: torch.dtype, variant: str | None) -> Any:
    """One network from a judged folder, every tensor of it from the file.

    Raises:
        BadModel: the weights do not fit the configuration, or a file is missing.
    """
    asked: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "variant": variant}
    with quiet():
        import diffusers
        import transformers

        try:
            if library == "transformers":
                return _transformers_part(getattr(transformers, class_name), folder, dtype=dtype, **asked)
            part = getattr(diffusers, class_name).from_pretrained(str(folder), torch_dtype=dtype, **asked)
        except BadModel:
            raise
        except Exception as error:
            raise BadModel(f"{folder}: cannot be loaded ({reason(error)})") from error
    _refuse_invented(folder, part)
    return part


def _encoder(folder: ModelFolder, name: str, **asked: Any) -> Any:
    import transformers

    kind = getattr(transformers, folder.components[name][1])
    return _transformers_part(kind, folder.path / name, **asked)


def _transformers_part(kind: Any, folder: Path, **asked: Any) -> Any:
    """A network whose every tensor came from the file: transformers only says what it had to invent."""
    part, found = kind.from_pretrained(str(folder), output_loading_info=True, **asked)
    # Tables of positions are computed, not learnt; old files have them and new ones do not.
    missing = [key for key in found["missing_keys"] if not key.endswith("position_ids")]
    if missing:
        raise BadModel(f"{folder}: has no weights for {min(missing)!r} and {len(missing) - 1} others")
    return part


def _refuse_invented_weights(folder: ModelFolder, pipe: Any) -> None:
    for name in folder.components:
        part = getattr(pipe, name, None)
        if isinstance(part, torch.nn.Module):
            _refuse_invented(folder.path / name, part)


def _refuse_invented(folder: Path, part: torch.nn.Module) -> None:
    """diffusers leaves a missing tensor without a value and only warns: such a model is refused."""
    meta = [key for key, value in part.state_dict().items() if value.is_meta]
    if meta:
        raise BadModel(f"{folder}: has no weights for {meta[0]!r} and {len(meta) - 1} others")
