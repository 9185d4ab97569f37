"""From the tables a caller has to the arrays the model needs. Bad input is refused here, by name; nothing is repaired.

History (`plan/cells.py`) may carry the genome as a struct or map column `attributes` or as one column per attribute, and
may lack every nullable column. An attribute that is null is not known of its arm (a picture made elsewhere): it counts as the
average of its options and teaches nothing about any of them. Only rows known on the night (as_of <= day) count, the newest per (arm, segment, placement,
size, day).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.elements.alphabet import UNKNOWN, Alphabet
from dco.elements.model import History
from dco.errors import BadData
from dco.plan.cells import Rows, Versions, newest, rows_known, take, versions
from dco.plan.looks import COLUMN, features_of
from dco.records import Space

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ArmRow:
    """An arm as given: id, segment, options (None: not known), whether the holdout serves it (None: not said), features."""

    arm_id: str
    segment: str
    attributes: Mapping[str, str | None]
    control: bool | None = None
    features: Sequence[float] | None = None

    @property
    def options(self) -> dict[str, str]:
        """The options that are known."""
        return {a: o for a, o in self.attributes.items() if o is not None}


@dataclass(frozen=True)
class Known:
    """Everything a night knows. `keys` names the history's arms as (segment, arm_id), `row` is its inverse."""

    alphabet: Alphabet
    history: History
    keys: tuple[tuple[str, str], ...]
    row: Mapping[tuple[str, str], int]
    live: tuple[ArmRow, ...]
    pending: tuple[ArmRow, ...]
    rejected: tuple[ArmRow, ...]
    first_day_arms: frozenset[tuple[str, str]]
    previous: Mapping[tuple[str, str], float]  # shares on the newest day
    days_served: Ints  # [arm] days with impressions
    has_conversions: bool
    has_revenue: bool
    remarks: tuple[str, ...]


def read_arms(table: Any, name: str, space: Space) -> tuple[ArmRow, ...]:
    """Arms from an Arrow table, a list of mappings, or None.

    Raises:
        BadData: a missing id, segment or attribute; an arm named twice in a segment.
    """
    if table is None:
        return ()
    rows: Iterable[Mapping[str, Any]] = (
        table.to_pylist() if isinstance(table, (pa.Table, pa.RecordBatch)) else table
    )
    found: list[ArmRow] = []
    for i, r in enumerate(rows):
        if not isinstance(r, Mapping) or not r.get("arm_id") or not r.get("segment"):
            raise BadData(f"{name}, row {i + 1}: expected arm_id, segment and attributes, got {r!r}")
        genome = _options(r.get("attributes"), r, space, f"{name}, arm {r['arm_id']!r}")
        control = r.get("control")
        found.append(
            ArmRow(
                str(r["arm_id"]), str(r["segment"]), genome, None if control is None else bool(control), r.get(COLUMN)
            )
        )  # fmt: skip
    keys = [(a.segment, a.arm_id) for a in found]
    if name == "live" and len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise BadData(f"live: arm {twice[1]!r} is there twice in segment {twice[0]!r}; list each arm once")
    return tuple(found)


def _options(value: Any, row: Mapping[str, Any], space: Space, where: str) -> dict[str, str | None]:
    """The genome of a row, from its `attributes` (struct or map) or from one column per attribute; None: not known."""
    if value is not None:
        given = dict(value)
    elif row.keys().isdisjoint(space.attributes) and "attributes" in row:
        given = dict.fromkeys(space.attributes)
    else:
        given = {a: row[a] for a in space.attributes if a in row}
    missing = [a for a in space.attributes if a not in given]
    if missing:
        raise BadData(
            f"{where}: attribute {missing[0]!r} is missing (it has {sorted(k for k, v in given.items() if v)}); "
            f"every arm needs one option of each of {list(space.attributes)}, or null where it is not known"
        )
    return {a: None if given[a] is None else str(given[a]) for a in space.attributes}


def read(
    space: Space,
    segments: Sequence[str],
    history: pa.Table | None,
    live: Any,
    pending: Any,
    rejected: Any,
    day: date,
) -> Known:
    """All of a night's input, checked and numbered."""
    pools = {
        n: read_arms(t, n, space) for n, t in (("live", live), ("pending", pending), ("rejected", rejected))
    }
    for name, arms in pools.items():
        for arm in arms:
            if arm.segment not in segments:
                raise BadData(
                    f"{name}, arm {arm.arm_id!r}: unknown segment {arm.segment!r} (known: {', '.join(segments)})"
                )
    rows = rows_known(history, segments, day)
    live = {(a.segment, a.arm_id): a for a in pools["live"]}
    past = np.array([i for i, key in enumerate(rows.keys) if key not in live], dtype=np.int64)
    columns = _past_options(rows, past, space)
    older = {a: _older(space.attributes[a], columns[a], pools["live"], a) for a in space.attributes}
    remarks = tuple(
        f"Options of {a!r} that the space no longer holds ({', '.join(extra)}) still inform the model, "
        "but nothing new is made with them."
        for a, extra in older.items()
        if extra
    )
    remarks += _unknown(space, columns, pools["live"])
    alphabet = Alphabet.of(segments, {a: (*o, *older[a]) for a, o in space.attributes.items()})
    keys = (*(rows.keys[i] for i in past), *live)
    row = {key: i for i, key in enumerate(keys)}
    segment = np.array([alphabet.segment_code(s) for s, _ in keys], dtype=np.int64)
    codes = np.concatenate(
        [_codes(columns, alphabet), alphabet.encode([a.attributes for a in live.values()])]
    )
    number = np.array([row[key] for key in rows.keys], dtype=np.int64)
    seen = versions(rows, number[rows.arm])
    now = seen.at(newest(seen))
    previous, first = _by_segment(now, keys, segment, len(segments))
    return Known(
        alphabet=alphabet,
        # Placements and sizes of one arm-day are one draw of its quality on that day, read at their own ages.
        history=History(
            segment, codes, now.arm, now.day, now.context, now.impressions, now.clicks, now.conversions, now.revenue,
            now.age, seen.cell, seen.age, seen.conversions,
            features_of(rows, keys, {key: arm.features for key, arm in live.items()}),
        ),
        keys=keys, row=row, live=pools["live"], pending=pools["pending"], rejected=pools["rejected"],
        first_day_arms=first, previous=previous, days_served=_days_served(now, len(keys)),
        has_conversions=bool(np.isfinite(now.conversions).any()),
        has_revenue=bool(np.isfinite(now.revenue).any()),
        remarks=remarks,
    )  # fmt: skip


def _past_options(rows: Rows, past: Ints, space: Space) -> dict[str, pa.DictionaryArray]:
    """Per attribute the options of arms that are not live (those state theirs themselves), from each arm's last row."""
    names = rows.history.column_names
    wanted = ["attributes"] if "attributes" in names else [a for a in space.attributes if a in names]
    taken = pa.table({name: take(rows.history[name], rows.last[past]) for name in ("arm_id", *wanted)})
    found = _text_columns(taken, space)
    if found is None:
        genomes = [
            _options(r.get("attributes"), r, space, f"history, arm {rows.keys[i][1]!r}")
            for i, r in zip(past.tolist(), taken.to_pylist())
        ]
        found = {a: pa.array([g[a] for g in genomes], pa.string()) for a in space.attributes}
    return {a: column.dictionary_encode() for a, column in found.items()}


def _text_columns(taken: pa.Table, space: Space) -> dict[str, pa.Array] | None:
    """Per attribute its options as they stand, or None where they need to be looked at one by one."""
    if "attributes" in taken.column_names:
        whole = taken["attributes"].combine_chunks()
        if not pa.types.is_struct(whole.type):
            return None
        inside = {field.name for field in whole.type}
        columns = {a: pc.struct_field(whole, a) for a in space.attributes if a in inside}
    else:
        columns = {a: taken[a].combine_chunks() for a in space.attributes if a in taken.column_names}
    plain = all(pa.types.is_string(c.type) for c in columns.values())
    return columns if plain and len(columns) == len(space.attributes) else None


def _older(
    options: Sequence[str], past: pa.DictionaryArray, live: Sequence[ArmRow], attribute: str
) -> list[str]:
    """Options in use that the space does not hold, in the order met."""
    met = dict.fromkeys([*past.dictionary.to_pylist(), *(arm.attributes[attribute] for arm in live)])
    return [o for o in met if o is not None and o not in options]


def _unknown(space: Space, past: Mapping[str, pa.DictionaryArray], live: Sequence[ArmRow]) -> tuple[str, ...]:
    """What is said about arms of which an option is not known."""
    found = []
    for a in space.attributes:
        n = past[a].null_count + sum(arm.attributes[a] is None for arm in live)
        if n:
            found.append(
                f"Of {n} arm{'s' * (n > 1)} the option of {a!r} is not known: it is taken as the average one."
            )
    return tuple(found)


def _codes(columns: Mapping[str, pa.DictionaryArray], alphabet: Alphabet) -> Ints:
    """int[arm, attribute] from the columns of `_past_options`."""
    found = []
    for attribute, options in zip(alphabet.attributes, alphabet.options):
        column = columns[attribute]
        of = np.array([options.index(o) for o in column.dictionary.to_pylist()], dtype=np.int64)
        # What is not known has index -1: the last entry.
        found.append(np.append(of, UNKNOWN)[column.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.stack(found, axis=1)


def _days_served(now: Versions, n_arms: int) -> Ints:
    """int[arm]: days with impressions."""
    on = now.impressions > 0
    span = int(now.day.max(initial=0)) + 1
    days = np.unique(now.arm[on] * span + now.day[on])
    return np.bincount(days // span, minlength=n_arms).astype(np.int64)


def _by_segment(
    now: Versions, keys: Sequence[tuple[str, str]], segment: Ints, n_segments: int
) -> tuple[dict[tuple[str, str], float], frozenset[tuple[str, str]]]:
    """Shares on each segment's newest day (as intended, else as delivered), and the arms of its first day."""
    previous: dict[tuple[str, str], float] = {}
    first: set[tuple[str, str]] = set()
    where = segment[now.arm]
    for s in range(n_segments):
        inside = np.flatnonzero(where == s)
        if not len(inside):
            continue
        day = now.day[inside]
        first |= {keys[a] for a in np.unique(now.arm[inside[day == day.min()]])}
        today = now.at(inside[day == day.max()])
        said = np.isfinite(today.intended)
        weight = np.where(said, np.maximum(today.impressions, 1.0), 0.0)
        shown, told, meant = (
            np.bincount(today.arm, v, len(keys))
            for v in (today.impressions, weight, weight * np.where(said, today.intended, 0.0))
        )
        for a in np.unique(today.arm):
            if told[a] > 0:
                previous[keys[a]] = float(meant[a] / told[a])
            elif shown.sum() > 0:
                previous[keys[a]] = float(shown[a] / shown.sum())
    return previous, frozenset(first)
