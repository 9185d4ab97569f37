"""How a large checkpoint is made to run fast: what may be asked for, what of it changes pictures, what fits memory.

Pure: no torch. What is exact but for rounding is on where a GPU makes it pay. What trades likeness for speed is asked for
by name, and stands in the model's id and in its licence record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite, log
from pathlib import Path
from typing import Any, Literal

from dco.errors import BadInput, BadModel
from dco.generate.models.folder import check_files, content_id, read_json, read_license

Offload = Literal["none", "model", "sequential"]

RESERVE = 3 * 2**30
"""Bytes of GPU memory left for what a batch needs besides the weights: latents, attention, one picture's decoding."""

ASPECTS = (1.0, 1.91, 0.5625, 4.0)
"""Width over height of the buckets: square, wide feed, story, banner. Compiled code is made once for each; a picture of
another shape is held inside the nearest, and what lies around it is cut off."""

_WHERE = "backend option accelerate"


@dataclass(frozen=True)
class Acceleration:
    """What is done to a pipeline before it draws.

    Args:
        compile: compile the repeated blocks (`compile_repeated_blocks`), once per bucket; "auto" does so on a GPU with
            Triton. Exact but for rounding.
        fused_qkv: one product for queries, keys and values; "auto" does so on a GPU. Exact but for rounding.
        vae_tiling: decode in tiles, for sizes that would not fit; "auto" where weights have to be moved to fit.
        offload: keep weights in main memory and move them in turn; "auto" decides by what is free.
        tiny_vae: folder of an AutoencoderTiny, which decodes in a hundredth of the time. Lossy.
        fp8: products in 8 bits by torchao, on GPUs that have them. Lossy.
        fp8_weights: weights kept in 8 bits, products in the usual type: half the memory, no speed. Lossy.
        first_block_cache: threshold of first-block caching for transformers, about 0.05 to 0.2; 0 is none. Lossy.

    Raises:
        BadInput: a value is not one of these. BadModel: `tiny_vae` is no such folder.
    """

    compile: bool | Literal["auto"] = "auto"
    fused_qkv: bool | Literal["auto"] = "auto"
    vae_tiling: bool | Literal["auto"] = "auto"
    offload: Offload | Literal["auto"] = "auto"
    tiny_vae: str = ""
    fp8: bool = False
    fp8_weights: bool = False
    first_block_cache: float = 0.0

    def __post_init__(self) -> None:
        for name in ("compile", "fused_qkv", "vae_tiling"):
            if getattr(self, name) not in (True, False, "auto"):
                raise BadInput(f"{_WHERE}, {name}: expected true, false or auto, got {getattr(self, name)!r}")
        for name in ("fp8", "fp8_weights"):
            if not isinstance(getattr(self, name), bool):
                raise BadInput(f"{_WHERE}, {name}: expected true or false, got {getattr(self, name)!r}")
        if self.offload not in ("auto", "none", "model", "sequential"):
            raise BadInput(
                f"{_WHERE}, offload: expected auto, none, model or sequential, got {self.offload!r}"
            )
        threshold = self.first_block_cache
        if isinstance(threshold, (bool, str)) or not isfinite(threshold) or not 0 <= threshold < 1:
            raise BadInput(f"{_WHERE}, first_block_cache: expected 0 to below 1, got {threshold!r}")
        if self.fp8 and self.fp8_weights:
            raise BadInput(
                f"{_WHERE}: fp8 and fp8_weights exclude each other; fp8 keeps its weights in 8 bits anyway"
            )
        if not isinstance(self.tiny_vae, str):
            raise BadInput(f"{_WHERE}, tiny_vae: expected the path of a folder, got {self.tiny_vae!r}")
        _ = self._tiny_vae

    @classmethod
    def parse(cls, stated: str | Mapping[str, Any]) -> Acceleration:
        """Options as a campaign file states them: "compile=false, tiny_vae=models/taesdxl, first_block_cache=0.08".

        A name alone means true. A mapping is taken as it is.

        Raises:
            BadInput: an option nobody knows, twice the same, or a value out of its range.
        """
        known = [field.name for field in fields(cls)]
        if isinstance(stated, Mapping):
            values = dict(stated)
        else:
            values = {}
            for part in filter(None, (p.strip() for p in stated.split(","))):
                name, _, text = (p.strip() for p in part.partition("="))
                if name in values:
                    raise BadInput(f"{_WHERE}: {name} is stated twice")
                values[name] = _value(name, text)
        for name in values:
            if name not in known:
                raise BadInput(f"{_WHERE}: nobody knows {name!r}; known: {', '.join(known)}")
        return cls(**values)

    @cached_property
    def _tiny_vae(self) -> tuple[str, dict[str, Any]] | None:
        """(content id, licence record) of the small decoder, judged as every model folder is."""
        if not self.tiny_vae:
            return None
        root = Path(self.tiny_vae)
        if not (root / "config.json").is_file():
            raise BadModel(f"{root}: found no config.json; expected the folder of an AutoencoderTiny")
        files = check_files(root)
        kind = read_json(root / "config.json").get("_class_name")
        if kind != "AutoencoderTiny":
            raise BadModel(f"{root / 'config.json'}: _class_name is {kind!r}; expected 'AutoencoderTiny'")
        if not any(file.suffix == ".safetensors" for file in files):
            raise BadModel(f"{root}: found no .safetensors; expected the weights of an AutoencoderTiny")
        return content_id(root, files), read_license(root)

    @property
    def lossy(self) -> tuple[str, ...]:
        """What changes pictures by more than rounding, as it stands in ids and records."""
        marks = []
        if self._tiny_vae:
            marks.append(f"tiny_vae={self._tiny_vae[0][:16]}")
        marks += [name for name in ("fp8", "fp8_weights") if getattr(self, name)]
        if self.first_block_cache:
            marks.append(f"first_block_cache={self.first_block_cache:g}")
        return tuple(marks)

    @property
    def mark(self) -> str:
        """What a model's id gains: every option that was stated other than by default, lossy or not; "" for none."""
        exact = [
            f"{f.name}={getattr(self, f.name)}".lower()
            for f in fields(self)
            if f.name in ("compile", "fused_qkv", "vae_tiling") and getattr(self, f.name) != f.default
        ]
        return "+".join([*exact, *self.lossy])

    @property
    def license(self) -> dict[str, Any]:
        """What a model's licence record gains; {} where no option is lossy."""
        if not self.lossy:
            return {}
        record: dict[str, Any] = {"lossy": list(self.lossy)}
        if self._tiny_vae:
            record["tiny_vae"] = self._tiny_vae[1]
        return {"acceleration": record}


def offload_plan(
    weights: Mapping[str, int], free: int, asked: Offload | Literal["auto"] = "auto", reserve: int = RESERVE
) -> Offload:
    """Where weights are kept.

    Args:
        weights: bytes per component, as the device would hold them.
        free: bytes of device memory that nobody uses.
        reserve: bytes to leave for the work itself.

    Returns:
        "none" when everything fits beside the work, "model" when the largest component does, else "sequential", which
        moves layer by layer and is about ten times slower.

    >>> offload_plan({"unet": 5 << 30, "vae": 1 << 30}, 24 << 30), offload_plan({"unet": 5 << 30}, 7 << 30)
    ('none', 'sequential')
    """
    if asked != "auto":
        return asked
    room = free - reserve
    if sum(weights.values()) <= room:
        return "none"
    return "model" if max(weights.values(), default=0) <= room else "sequential"


def bucket(width: int, height: int, side: int, multiple: int) -> tuple[int, int]:
    """(width, height) a compiled model draws a picture of this shape at: an aspect of `ASPECTS` at the area of `side` squared.

    >>> bucket(300, 250, 1024, 64), bucket(1200, 628, 1024, 64), bucket(728, 90, 1024, 64)
    ((1024, 1024), (1408, 768), (2048, 512))
    """
    aspect = min(ASPECTS, key=lambda a: abs(log(width / height) - log(a)))
    wide = max(multiple, round(side * aspect**0.5 / multiple) * multiple)
    return wide, max(multiple, round(side / aspect**0.5 / multiple) * multiple)


def _value(name: str, text: str) -> Any:
    if text in ("", "true"):
        return True
    if text == "false":
        return False
    if name == "first_block_cache":
        try:
            return float(text)
        except ValueError:
            raise BadInput(f"{_WHERE}, {name}: expected a number, got {text!r}") from None
    return text
