"""Under which licence a model's pictures may be used: the record in its folder or in the campaign file, and what it allows.

A model without a record may draw drafts. Nothing it drew goes live before somebody has read its licence and said so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from dco.errors import BadInput, BadModel, StoreError, UnknownName
from dco.generate.models.folder import LICENSE, check, read_license
from dco.generate.models.parts import read_terms

Commercial = Literal["yes", "no", "unknown"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,99}")
"""An SPDX id, or LicenseRef- and a name."""

_FREE = frozenset(
    {
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0",
        "openrail", "openrail++", "creativeml-openrail-m", "bigscience-openrail-m", "bigscience-bloom-rail-1.0",
    }
)  # fmt: skip
"""Licences that allow pictures in advertising, some with rules on content; in lower case."""

_UNFREE = re.compile(r"(^|[-_.])(nc|non-?commercial|research|evaluation)([-_.]|$)")


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record about a model. `licence` is empty where nobody stated one."""

    licence: str = ""
    source: str = ""
    """Where its text was read: a URL, or a place."""
    by: str = ""
    """Who stated it."""
    stated: str = ""
    """When, as ISO date."""
    commercial: Commercial = "unknown"
    sha256: str = ""
    """Hash of the weights it was stated for."""


def commercial_use(licence: str, stated: str = "") -> Commercial:
    """Whether a licence allows use in advertising: what is stated, but never more than its id allows.

    >>> commercial_use("Apache-2.0"), commercial_use("FLUX-1-dev-Non-Commercial-License", "yes"), commercial_use("x")
    ('yes', 'no', 'unknown')
    """
    name = licence.lower()
    if _UNFREE.search(name):
        return "no"
    if stated in ("yes", "no"):
        return stated  # type: ignore[return-value]
    return "yes" if name in _FREE else "unknown"


def record_of(backend: Any, stated: str = "") -> Record:
    """The licence record of a backend's model.

    Args:
        backend: what `load_backend` gave; the record of a folder is read anew.
        stated: the licence that the campaign file states under model.license; may stand in for a missing record.

    Raises:
        BadModel: the record is malformed, is about other weights, or is another licence than the campaign file's.
    """
    folder = getattr(backend, "folder", None)
    path, revision = getattr(folder, "path", None), str(getattr(folder, "model_id", ""))
    told: dict[str, Any] = read_license(path) if path is not None else dict(backend.license)
    place = str(Path(path) / LICENSE) if path is not None else "the backend"
    found = "" if told["license"] in ("", "not stated") else str(told["license"])
    if not found:
        return (
            Record(stated, "campaign file", commercial=commercial_use(stated), sha256=revision)
            if stated
            else Record()
        )
    if stated and stated.lower() != found.lower():
        raise BadModel(
            f"{place}: says {found!r}, the campaign file's model.license says {stated!r}; make them one"
        )
    if revision and told.get("revision", revision) != revision:
        raise BadModel(
            f"{place}: is about weights {str(told['revision'])[:12]}, the folder holds {revision[:12]}; "
            "read the licence of these, then `dco model add` again"
        )
    return Record(
        found,
        str(told.get("source", "")),
        str(told.get("by", "")),
        str(told.get("date", "")),
        commercial_use(found, str(told.get("commercial_use", ""))),
        str(told.get("weights_sha256", "") or revision),
    )


def part_records(backend: Any, stated: Mapping[str, str]) -> dict[str, Record]:
    """The licence record of every piece that was opened from a folder of its own: ControlNet, IP-Adapter, LoRA adapters by
    their names, a tiny decoder. What the checkpoint's folder brings is under the checkpoint's record.

    Args:
        backend: what `load_backend` gave; records of folders are read anew.
        stated: part -> the licence that the campaign file states; may stand in for a missing record.

    Raises:
        BadModel: a record is malformed or is another licence than the campaign file's.
        UnknownName: the campaign file states one of a part that was not opened.
    """
    pieces = getattr(getattr(backend, "parts", None), "named", {})
    # A piece that the checkpoint's own folder brings has no record of its own.
    told = {name: read_terms(part.path) for name, part in pieces.items() if part.license}
    tiny = backend.license.get("acceleration", {}).get("tiny_vae")
    if tiny:
        told["tiny_vae"] = dict(tiny)
    for name in stated:
        if name not in told:
            raise UnknownName("opened part", name, told)
    return {name: _part_record(name, record, stated.get(name, "")) for name, record in told.items()}


def _part_record(name: str, told: Mapping[str, Any], stated: str) -> Record:
    found = "" if told["license"] in ("", "not stated") else str(told["license"])
    if not found:
        return Record(stated, "campaign file", commercial=commercial_use(stated)) if stated else Record()
    if stated and stated.lower() != found.lower():
        raise BadModel(
            f"{name}: its {LICENSE} says {found!r}, the campaign file's model.part_licenses says {stated!r}; make them one"
        )
    return Record(
        found,
        str(told.get("source", "")),
        str(told.get("by", "")),
        str(told.get("date", "")),
        commercial_use(found, str(told.get("commercial_use", ""))),
        str(told.get("weights_sha256", "")),
    )


def write_record(
    folder: str | Path, *, licence: str, source: str, by: str, day: str, commercial: str = ""
) -> Record:
    """`dco model add`: put a licence record into a model folder that passes the gate. Whoever does so has read it.

    Raises:
        BadModel: the folder does not pass the gate. BadInput: a field is missing or malformed.
    """
    model = check(folder)
    if not _ID.fullmatch(licence):
        raise BadInput(
            f"--license: expected an SPDX id such as Apache-2.0, or LicenseRef- and a name, got {licence!r}"
        )
    if not re.fullmatch(r"https://[^\s/]+\S*", source):
        raise BadInput(f"--source: expected the https:// address where the licence stands, got {source!r}")
    if not by.strip():
        raise BadInput("--by: is blank; expected the name of whoever read the licence")
    if commercial not in ("", "yes", "no", "unknown"):
        raise BadInput(f"--commercial: expected yes, no or unknown, got {commercial!r}")
    use = commercial_use(licence, commercial)
    if commercial == "yes" and use != "yes":
        raise BadInput(f"--commercial: {licence} is a non-commercial licence by its name; expected no")
    file = model.path / LICENSE
    kept = read_license(model.path) if file.is_file() else {}
    record = {
        **kept,
        "license": licence,
        "source": source,
        "by": by.strip(),
        "date": day,
        "commercial_use": use,
        "revision": model.model_id,
        "weights_sha256": weights_sha256(f for f in model.files if f.suffix == ".safetensors"),
    }
    part = file.with_name(".part-" + file.name)
    try:
        part.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"{file}: cannot be written ({error.strerror}); state model.license in the campaign file instead"
        ) from error
    return record_of(_Opened(check(folder)))


def weights_sha256(files: Iterable[Path]) -> str:
    """Hex SHA-256 over the names and contents of files of weights, by name."""
    whole = sha256()
    for file in sorted(files):
        digest = sha256()
        with file.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
        whole.update(f"{digest.hexdigest()}  {file.parent.name}/{file.name}\n".encode())
    return whole.hexdigest()


@dataclass(frozen=True)
class _Opened:
    """As much of a backend as `record_of` reads."""

    folder: Any


def problem(record: Record, *, model: str, part: str = "", allowed: str = "") -> str:
    """Why pictures of a model may not go live, with a way out; empty when they may.

    Args:
        part: the piece of the model that the record is about; default the checkpoint itself.
        allowed: the non-commercial licence that the campaign file overrides by name.
    """
    if not record.licence and part:
        return (
            f"{part} of model {model[:12]} has no licence record, so its creatives stay drafts; read its licence, then put "
            f'{{"license": "ID"}} as {LICENSE} into its folder, or state model.part_licenses: {{{part}: ID}} in the campaign file'
        )
    if not record.licence:
        return (
            f"model {model[:12] or '(none)'} has no licence record, so its creatives stay drafts; read its licence, then "
            "`dco model add FOLDER --license ID --source URL`, or state model.license in the campaign file"
        )
    if record.commercial == "no" and record.licence.lower() != allowed.lower():
        whose = f"{part} of model {model[:12]}" if part else f"model {model[:12]}"
        return (
            f"{whose} is under {record.licence}, which forbids commercial use; take another one, or, with "
            "the owner's permission, name it in the campaign file: "
            f"model.license_override: {{license: {record.licence}, by: NAME, reason: WHY}}"
        )
    return ""
