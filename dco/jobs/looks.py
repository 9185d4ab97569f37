"""What a campaign's creatives look like and say, as numbers for the optimizer: read off the ads' pixels and headlines once.

Pictures made elsewhere have pixels too, so they join the model by how they look where no option describes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from dco import schemas
from dco.elements.features import PICTURE, picture_features, text_features
from dco.errors import StoreError
from dco.jobs import rasters
from dco.store.arms import ArmRow
from dco.store.files import Files

KIND = "looks"
READ_AT = ("1080x1080", "1200x628", "300x250")
"""Sizes that a look is read at, the first that an ad has; features hardly depend on it."""

Looks = Mapping[tuple[str, str], list[float]]


def looks(files: Files, rows: Iterable[ArmRow]) -> dict[tuple[str, str], list[float]]:
    """(segment, arm id) -> the features of its picture and its headline (`elements.features`); a creative whose pixels are gone is left out."""
    found = {}
    for row in rows:
        try:
            pixels = _of_picture(files, _shown(row))
        except StoreError:
            continue
        found[row.segment, row.arm_id] = [*pixels, *text_features(row.creative.copy.headline).tolist()]
    return found


def with_looks(table: pa.Table, found: Looks) -> pa.Table:
    """A table of arms or arm-days with the column `features`, null where a look is not known."""
    if not found or not table.num_rows:
        return table
    keys = zip(table["segment"].to_pylist(), table["arm_id"].to_pylist())
    column = pa.array([found.get(key) for key in keys], schemas.FEATURES.type)
    return table.append_column(schemas.FEATURES, column)


def _shown(row: ArmRow) -> str:
    sizes = row.creative.rasters
    return sizes[next((s for s in READ_AT if s in sizes), min(sizes))]


def _of_picture(files: Files, name: str) -> list[float]:
    """Kept beside the pixels, with the names of the features, so that another version of them is read anew."""
    names = [f.name for f in PICTURE]
    path = files.path(KIND, name, ".json")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        numbers = np.array([kept[n] for n in names], float)
        if len(kept) == len(names) and np.isfinite(numbers).all():
            return [float(v) for v in numbers]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    told = picture_features(rasters.load(files, name)).tolist()
    files.put_as(KIND, name, json.dumps(dict(zip(names, told, strict=True))).encode(), ".json")
    return [float(v) for v in told]
