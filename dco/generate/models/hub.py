"""Model folders of the hub: pinned by commit, read from the local cache, downloaded only when asked to."""

from __future__ import annotations

import re
from pathlib import Path

from dco.errors import BadModel
from dco.generate.batching import reason
from dco.generate.models.folder import INDEX, ModelFolder, check
from dco.generate.models.kinds import HINT

_COMMIT = re.compile(r"[0-9a-f]{40}")
_WANTED = [INDEX, HINT, "LICENSE*", "*/*.json", "*/*.txt", "*/*.model", "*/*.safetensors"]


def open_folder(
    folder: str, revision: str = "", *, download: bool = False, variant: str | None = None
) -> ModelFolder:
    """A judged model folder, from a path or from a hub id with a pinned revision.

    Args:
        folder: a path, or "owner/name" of the hub.
        revision: for a hub id, the full commit hash; a branch or tag may be another model tomorrow.
        download: fetch from the hub what the local cache does not hold.
        variant: file variant such as "fp16"; without it only the plain files are fetched.

    Raises:
        BadModel: no such folder, an unpinned id, not in the cache, or the gate refuses it.
    """
    if Path(folder).expanduser().is_dir():
        return check(Path(folder).expanduser())
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", folder):
        raise BadModel(
            f"{folder}: no such folder; expected a diffusers model folder, or owner/name of the hub"
        )
    if not _COMMIT.fullmatch(revision):
        raise BadModel(
            f"{folder}: revision {revision!r}; no folder of this name exists here, and a hub id needs its commit "
            "(40 hex digits), so that the model cannot change under a running campaign"
        )
    from huggingface_hub import snapshot_download

    ignored = None if variant else ["*.fp16.*", "*.non_ema.*"]
    try:
        place = Path(
            snapshot_download(
                folder,
                revision=revision,
                local_files_only=not download,
                allow_patterns=_WANTED,
                ignore_patterns=ignored,
            )
        )
    except Exception as error:
        way = "check the network" if download else "download it once with the option download=True"
        raise BadModel(
            f"{folder} at {revision[:12]}: not in the local cache; {way} ({reason(error)})"
        ) from error
    # A snapshot is a folder of links to ../../blobs: the repository's own cache folder is the border.
    return check(place, inside=place.parents[1])
