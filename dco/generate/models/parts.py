"""What is laid over a checkpoint: ControlNet, IP-Adapter, LoRA adapters. The same gate stands in front of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dco.errors import BadInput, BadModel
from dco.generate.models.classes import ARCHITECTURE, FORMS
from dco.generate.models.folder import ModelFolder, check_files, content_id, read_json, read_license
from dco.generate.models.safetensors_header import check_weights
from dco.records import content_hash

_LORA = re.compile(r"lora", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][\w-]{0,63}")
_IP_ADAPTER_FOR = ("Stable Diffusion", "Stable Diffusion XL")


@dataclass(frozen=True)
class Part:
    """A judged piece. `weights` is its one file of tensors, None where a folder is loaded as a whole; `id` is a hash of
    its content; `weight` is how strongly a LoRA is worn by requests that name none."""

    path: Path
    id: str
    weights: Path | None = None
    class_name: str = ""
    weight: float | None = None
    license: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Parts:
    """All that was opened with a checkpoint."""

    controlnet: Part | None = None
    ip_adapter: Part | None = None
    image_encoder: Part | None = None
    adapters: Mapping[str, Part] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """16 hex digits over every piece; empty where there is none."""
        single = [p.id for p in (self.controlnet, self.ip_adapter, self.image_encoder) if p]
        worn = [[name, p.id, p.weight] for name, p in sorted(self.adapters.items())]
        return content_hash([single, worn]) if single or worn else ""

    @property
    def named(self) -> dict[str, Part]:
        """Every piece that was opened, by its name; an image encoder belongs to its IP-Adapter."""
        found = {"controlnet": self.controlnet, "ip_adapter": self.ip_adapter, **self.adapters}
        return {name: part for name, part in found.items() if part}

    @property
    def licenses(self) -> dict[str, dict[str, Any]]:
        """The licence record of every piece by its name; the checkpoint's own record covers what its folder brings."""
        return {name: dict(part.license) for name, part in self.named.items() if part.license}

    @property
    def worn(self) -> tuple[tuple[str, float], ...]:
        """(name, weight) of the adapters a request wears that names none."""
        return tuple((name, p.weight) for name, p in sorted(self.adapters.items()) if p.weight is not None)


def find_parts(
    folder: ModelFolder, *, controlnet: str = "", ip_adapter: str = "", adapters: str | Mapping[str, str] = ""
) -> Parts:
    """The pieces named by options, and those the checkpoint's own folder brings in `controlnet/` and `ip_adapter/`.

    Args:
        controlnet: folder of a ControlNet of the checkpoint's architecture.
        ip_adapter: folder with one .safetensors file and `image_encoder/`.
        adapters: LoRA adapters, {name: path} or "name=path, name=path*0.8"; a path is a .safetensors file or a folder that
            holds one. With a weight the adapter is worn by every request that names none.

    Raises:
        BadInput: `adapters` cannot be read. BadModel: a piece is missing, hostile, or for another architecture.
    """
    control, style = folder.path / "controlnet", folder.path / "ip_adapter"
    control_at = _named(controlnet) or (control if control.is_dir() else None)
    style_at = _named(ip_adapter) or (style if style.is_dir() else None)
    own = {control, style}
    return Parts(
        _controlnet(control_at, folder, own) if control_at else None,
        _ip_adapter(style_at, folder, own) if style_at else None,
        _image_encoder(style_at, folder, own) if style_at else None,
        {name: _adapter(*stated) for name, stated in _read_adapters(adapters).items()},
    )


def read_terms(path: Path) -> dict[str, Any]:
    """The licence record of a piece: of its folder, or beside its file where no other weights lie there that it may mean.

    Raises:
        BadModel: the record is malformed.
    """
    if path.is_dir() or [f.name for f in path.parent.glob("*.safetensors")] == [path.name]:
        return read_license(path if path.is_dir() else path.parent)
    return {"license": "not stated"}


def _named(path: str) -> Path | None:
    return Path(path).expanduser() if path else None


def _files(root: Path, own: set[Path]) -> tuple[Path, ...]:
    if not root.is_dir():
        raise BadModel(f"{root}: no such folder")
    # What lies in the checkpoint's own folder passed its gate, with the links a hub cache needs.
    return tuple(sorted(f for f in root.rglob("*") if f.is_file())) if root in own else check_files(root)


def _controlnet(root: Path, folder: ModelFolder, own: set[Path]) -> Part:
    files = _files(root, own)
    architecture = ARCHITECTURE[folder.pipeline]
    wanted = FORMS[architecture].get("control net")
    if wanted is None:
        raise BadModel(f"{root}: {architecture} checkpoints take no ControlNet here")
    config = root / "config.json"
    if not config.is_file():
        raise BadModel(f"{root}: found no config.json; expected a diffusers folder of a {wanted}")
    found = read_json(config)
    stated = found.get("_class_name") if isinstance(found, dict) else None
    if stated != wanted:
        raise BadModel(f"{config}: _class_name is {stated!r}; expected {wanted!r} for {architecture}")
    if not any(f.suffix == ".safetensors" and f.parent == root for f in files):
        raise BadModel(f"{root}: found no .safetensors; expected the weights of a {wanted}")
    _fits(config, found, folder)
    terms = {} if root in own else read_license(root)
    return Part(root, content_id(root, files), class_name=wanted, license=terms)


def _fits(config: Path, found: Mapping[str, Any], folder: ModelFolder) -> None:
    unet = folder.config("unet")
    for name in ("cross_attention_dim", "addition_embed_type"):
        if unet and found.get(name) != unet.get(name):
            raise BadModel(
                f"{config}: {name} is {found.get(name)!r}; expected {unet.get(name)!r} as in the checkpoint "
                "(a ControlNet works with the model it was trained for)"
            )


def _ip_adapter(root: Path, folder: ModelFolder, own: set[Path]) -> Part:
    files = _files(root, own)
    architecture = ARCHITECTURE[folder.pipeline]
    if architecture not in _IP_ADAPTER_FOR:
        raise BadModel(f"{root}: {architecture} takes no IP-Adapter here; {' and '.join(_IP_ADAPTER_FOR)} do")
    weights = _one_file(root, files)
    names = check_weights(weights)
    for prefix in ("image_proj.", "ip_adapter."):
        if not any(name.startswith(prefix) for name in names):
            raise BadModel(
                f"{weights}: no tensor begins with {prefix!r}; expected the weights of an IP-Adapter"
            )
    terms = {} if root in own else read_license(root)
    return Part(root, content_id(root, [weights]), weights, license=terms)


def _image_encoder(root: Path, folder: ModelFolder, own: set[Path]) -> Part:
    wanted = "CLIPVisionModelWithProjection"
    for place in (root / "image_encoder", folder.path / "image_encoder"):
        if (place / "config.json").is_file():
            config = read_json(place / "config.json")
            stated = config.get("architectures") if isinstance(config, dict) else None
            if stated != [wanted]:
                raise BadModel(f"{place / 'config.json'}: architectures is {stated!r}; expected {[wanted]!r}")
            files = [f for f in sorted(place.iterdir()) if f.suffix in (".json", ".safetensors")]
            return Part(place, content_id(place, files), class_name=wanted)
    raise BadModel(
        f"{root}: has no image_encoder/config.json, and neither has the checkpoint; an IP-Adapter needs the {wanted} "
        "it was trained with"
    )


def _adapter(path: Path, weight: float | None) -> Part:
    if path.is_dir():
        file = _one_file(path, check_files(path))
        root = path
    elif path.is_file() and path.suffix == ".safetensors":
        file, root = path, path.parent
    else:
        raise BadModel(f"{path}: no such adapter; expected a .safetensors file, or a folder that holds one")
    if not any(_LORA.search(name) for name in check_weights(file)):
        raise BadModel(f"{file}: no tensor is named lora; expected the weights of a LoRA adapter")
    return Part(path, content_id(root, [file]), file, weight=weight, license=read_terms(path))


def _one_file(root: Path, files: tuple[Path, ...]) -> Path:
    found = [f for f in files if f.suffix == ".safetensors" and f.parent == root]
    if len(found) != 1:
        names = ", ".join(f.name for f in found) or "none"
        raise BadModel(f"{root}: expected one .safetensors file, found {names}; name a folder with one")
    return found[0]


def _read_adapters(stated: str | Mapping[str, str]) -> dict[str, tuple[Path, float | None]]:
    if isinstance(stated, str):
        entries = [entry.partition("=") for entry in stated.split(",") if entry.strip()]
    else:
        entries = [(str(name), "=", str(path)) for name, path in stated.items()]
    found: dict[str, tuple[Path, float | None]] = {}
    for name, _, rest in entries:
        name, (path, star, weight) = name.strip(), rest.strip().rpartition("*")
        if not star:
            path, weight = weight, ""
        if not _NAME.fullmatch(name) or not path or name in found:
            raise BadInput(
                f"backend option adapters: {name!r} names {rest.strip()!r}; expected name=path or name=path*weight, "
                "each name once, of letters, digits, - and _"
            )
        try:
            found[name] = (Path(path.strip()).expanduser(), float(weight) if star else None)
        except ValueError as error:
            raise BadInput(
                f"backend option adapters: {name} has weight {weight!r}; expected a number"
            ) from error
    return found
