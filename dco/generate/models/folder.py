"""The gate in front of every model: a folder is read, judged and hashed before any library may load it.

A model is data. Nothing in its folder may be code, or name code: every class comes from an allow-list, weights are
safetensors by their content and not by their name, and no link leads out of the folder. Why so strict:
CVE-2026-44513 (a local model_index.json naming its own .py ran it), CVE-2026-5241 (config.json switching remote code
on), CVE-2025-32434 (`weights_only=True` was not safe). There is no fallback path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from dco.errors import BadModel
from dco.generate.models.classes import CLASSES, PIPELINES
from dco.generate.models.safetensors_header import check_weights
from dco.records import content_hash

INDEX = "model_index.json"
LICENSE = "LICENSE.json"

SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".model", ".md", ".png", ".jpg", ".jpeg", ".webp"})
_PLAIN_NAMES = frozenset({"LICENSE", "NOTICE", ".gitattributes", ".gitignore", ".gitkeep"})
_CODE_KEYS = frozenset({"auto_map", "trust_remote_code", "custom_pipeline", "custom_pipelines"})
_VOCABULARIES = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
_LOADED = frozenset({".json", ".safetensors", ".txt", ".model"})
_VARIANT = re.compile(r"\.(fp16|bf16|fp8)(?:-\d{5}-of-\d{5})?\.safetensors$")
_MAX_JSON = 64 * 2**20
_MAGIC = {b"\x80": "a pickle", b"PK\x03\x04": "a zip archive", b"\x7fELF": "a program", b"#!": "a script"}


@dataclass(frozen=True)
class ModelFolder:
    """A folder that passed the gate. `components` maps a component's name to (library, class)."""

    path: Path
    pipeline: str
    components: dict[str, tuple[str, str]]
    files: tuple[Path, ...] = field(repr=False)
    index: dict[str, Any] = field(default_factory=dict, repr=False, hash=False)
    """What model_index.json says, as it stands."""

    @cached_property
    def model_id(self) -> str:
        """32 hex digits over the content of every file a library reads; notes, pictures and licence do not count."""
        return content_id(self.path, (f for f in self.files if self._is_read(f)))

    def config(self, component: str) -> dict[str, Any]:
        """A component's own configuration; empty where the folder has none."""
        for name in ("config.json", "scheduler_config.json"):
            if component in self.components and (self.path / component / name).is_file():
                found: dict[str, Any] = read_json(self.path / component / name)
                return found
        return {}

    @property
    def only_variant(self) -> str | None:
        """The variant, such as "fp16", that every file of weights is of; None where plain files are there."""
        return common_variant(f for f in self.files if self._is_read(f))

    def _is_read(self, file: Path) -> bool:
        # Files beside model_index.json are notes, and folders it does not name are never opened.
        inner = file.relative_to(self.path)
        return file.suffix in _LOADED and (inner.parts[0] in self.components or str(inner) == INDEX)

    @cached_property
    def license(self) -> dict[str, Any]:
        """The licence record beside the weights; see `read_license`."""
        return read_license(self.path)


def check(folder: str | Path, *, inside: Path | None = None) -> ModelFolder:
    """Judge a model folder and return what it holds.

    Args:
        folder: a diffusers folder (model_index.json and one folder per component).
        inside: links may lead anywhere below this folder; default the model folder itself. A hub cache needs its
            own root here, because its snapshots are links to blobs.

    Raises:
        BadModel: names the file, what was found and what was expected.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadModel(f"{root}: no such folder; expected a diffusers model folder with {INDEX}")
    index_file = root / INDEX
    if not index_file.is_file():
        raise BadModel(
            f"{root}: found no {INDEX}; expected a diffusers model folder (one checkpoint file is not)"
        )
    index = read_json(index_file)
    pipeline, components = _read_index(index_file, index)
    files = check_files(root, inside=inside)
    for name, (_, class_name) in components.items():
        _check_component(root / name, class_name)
    return ModelFolder(root, pipeline, components, files, index)


def check_files(root: Path, *, inside: Path | None = None) -> tuple[Path, ...]:
    """Every file of a folder, none of which may be or name code; links stay `inside`, by default the folder itself.

    Raises:
        BadModel: names the file, what was found and what was expected.
    """
    files = tuple(sorted(_walk(root, (inside or root).resolve())))
    for file in files:
        _check_file(file)
    return files


def common_variant(files: Iterable[Path]) -> str | None:
    """The variant, such as "fp16", of every file of weights among `files`; None where plain ones are there."""
    weights = [f for f in files if f.suffix == ".safetensors"]
    found = {m[1] if (m := _VARIANT.search(f.name)) else None for f in weights}
    return found.pop() if len(found) == 1 else None


def content_id(root: Path, files: Iterable[Path]) -> str:
    """32 hex digits over names and contents of files below `root`."""
    return content_hash([[f.relative_to(root).as_posix(), _sha256(f)] for f in files], length=32)


def model_id(folder: str | Path) -> str:
    """Content hash of the files a library reads in a model folder that passes the gate."""
    return check(folder).model_id


def embedded_folder(folder: str | Path | None = None) -> Path:
    """Where the embedded model lies: `folder`, else the copy inside the package, else data/models of a checkout.

    Raises:
        BadModel: none of these has a model_index.json.
    """
    if folder:
        return Path(folder)
    package = Path(__file__).resolve().parents[2]
    places = (package / "_data" / "embedded", package.parent / "data" / "models" / "embedded")
    for place in places:
        if (place / INDEX).is_file():
            return place
    raise BadModel(
        "embedded model: found no weights in this installation; reinstall the package, train them with "
        "`dco model train`, or choose the backend 'procedural'"
    )


def read_license(folder: str | Path) -> dict[str, Any]:
    """LICENSE.json of a model folder as a dict with at least the key `license`.

    A folder without one is "not stated": what may be published with it is for a person to decide.

    Raises:
        BadModel: the file is not a JSON object with a text under `license`.
    """
    file = Path(folder) / LICENSE
    if not file.is_file():
        return {"license": "not stated"}
    record = read_json(file)
    if not isinstance(record, dict) or not isinstance(record.get("license"), str):
        raise BadModel(
            f'{file}: expected an object with a text under "license", such as {{"license": "Apache-2.0"}}'
        )
    return record


def _read_index(file: Path, index: Any) -> tuple[str, dict[str, tuple[str, str]]]:
    if not isinstance(index, dict):
        raise BadModel(f"{file}: expected a JSON object, found {type(index).__name__}")
    _no_code_keys(file, index)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str) or pipeline not in PIPELINES:
        raise BadModel(f"{file}: _class_name is {pipeline!r}; expected one of {', '.join(sorted(PIPELINES))}")
    components = {}
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, (list, dict)):
            continue
        if value == [None, None]:
            continue
        if not re.fullmatch(r"[a-z0-9_]+", name):
            raise BadModel(f"{file}: component {name!r}; expected a plain folder name")
        pair = tuple(value) if isinstance(value, list) else ()
        if pair not in CLASSES:
            raise BadModel(
                f"{file}: {name} names {json.dumps(value)}; expected a [library, class] pair of the allow-list "
                "(classes of diffusers and transformers that hold weights, tokenizers or schedules)"
            )
        components[name] = pair
    if not components:
        raise BadModel(
            f"{file}: names no component; expected at least unet or transformer, vae and scheduler"
        )
    return pipeline, components  # type: ignore[return-value]


def _walk(root: Path, inside: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        target = path.resolve()
        if not target.is_relative_to(inside):
            raise BadModel(f"{path}: a link that leads out of the folder; expected every file inside {root}")
        if path.is_symlink() and target.is_dir():
            raise BadModel(f"{path}: a link to a folder; expected plain folders")
        if ".cache" in path.relative_to(root).parts or path.is_dir():
            continue
        if not path.is_file():
            raise BadModel(f"{path}: found neither a file nor a folder; expected plain files")
        yield path


def _check_file(file: Path) -> None:
    if file.suffix.lower() not in SUFFIXES and file.name not in _PLAIN_NAMES:
        raise BadModel(
            f"{file}: a {file.suffix or 'nameless'} file may hold code or a pickle; expected only "
            f"{', '.join(sorted(SUFFIXES))}. Convert weights to safetensors and take the file out"
        )
    if file.suffix == ".safetensors":
        check_weights(file)
        return
    with file.open("rb") as stream:
        head = stream.read(4)
    for magic, meaning in _MAGIC.items():
        if head.startswith(magic) and file.suffix != ".model":
            raise BadModel(f"{file}: begins like {meaning}; expected what its name says")
    if file.suffix == ".json" and file.name not in _VOCABULARIES:
        content = read_json(file)
        _no_code_keys(file, content)
        if file.name.endswith(".safetensors.index.json"):
            _check_shards(file, content)


def _check_shards(file: Path, content: Any) -> None:
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(shards, dict):
        raise BadModel(f"{file}: expected an object with a weight_map")
    for shard in set(map(str, shards.values())):
        if not re.fullmatch(r"[\w.-]+\.safetensors", shard) or not (file.parent / shard).is_file():
            raise BadModel(f"{file}: names the shard {shard!r}; expected a .safetensors file beside it")


def _check_component(folder: Path, class_name: str) -> None:
    if not folder.is_dir():
        raise BadModel(f"{folder}: missing; {INDEX} names this component ({class_name})")
    for name in ("config.json", "scheduler_config.json"):
        file = folder / name
        if file.is_file():
            found = read_json(file)
            stated = found.get("_class_name", class_name) if isinstance(found, dict) else None
            if stated != class_name:
                raise BadModel(f"{file}: _class_name is {stated!r}; expected {class_name!r} as {INDEX} says")


def _no_code_keys(file: Path, value: Any) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            found = _CODE_KEYS & item.keys()
            if found:
                raise BadModel(
                    f"{file}: has the key {min(found)!r}; expected a model without code of its own"
                )
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def read_json(file: Path) -> Any:
    """The content of a JSON file of reasonable size.

    Raises:
        BadModel: it is too large or no JSON.
    """
    if file.stat().st_size > _MAX_JSON:
        raise BadModel(f"{file}: {file.stat().st_size} bytes; expected a JSON file of at most {_MAX_JSON}")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadModel(f"{file}: not JSON ({error}); expected a JSON file") from error


def _sha256(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()
