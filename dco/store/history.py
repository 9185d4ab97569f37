"""The ledger as the optimizer wants it: every as-of version of every cell of a campaign, with arms, shares and levers.

A row that a restatement removed comes back as a row of zeros at the later `as_of`, so that within one placement the
newest `as_of` of a day is always the whole truth about that day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, Connection, func, select

from dco import schemas
from dco.errors import BadData
from dco.store import asof, bulk
from dco.store.asof import SliceRow
from dco.store.ledger import of_campaign, slice_rows, until
from dco.store.tables import arms, cells, deliveries, version_shares, versions

Placements = Mapping[tuple[str, str], tuple[str, str]]
"""(platform, account) -> (placement key, lever)."""

_COUNTS = ("impressions", "viewable", "clicks", "conversions_micros", "revenue_micros", "spend_micros")
_KEY = ("arm_id", "segment", "placement", "size", "day")
_CELL: Mapping[str, pa.DataType] = {
    "delivery": pa.int64(),
    "day": pa.date32(),
    "ad_group_id": pa.string(),
    "arm_id": pa.string(),
    "size": pa.string(),
} | {name: pa.int64() for name in _COUNTS}


def history(
    conn: Connection,
    campaign: str,
    attributes: Sequence[str],
    *,
    as_of: date | None,
    placements: Placements,
    segments: Mapping[str, str],
    arrived_by: datetime | None = None,
) -> pa.Table:
    """All that was known about a campaign's arms, on every date it was read: `schemas.history(attributes)`.

    Args:
        attributes: fields of the `attributes` struct; an arm without one of them has null there.
        as_of: leave out what was stamped later; None: everything.
        placements: what an account's numbers belong to; an account that is not named becomes the placement
            'platform:account' without a lever.
        segments: ad group (ad set) id -> segment. Other rows go by their arm, if it lives in exactly one segment;
            those that cannot be placed are left out here and listed by `unplaced`.
        arrived_by: leave out what arrived later: what a past run saw, exactly.

    `intended_share` is the arm's share in the version live on that day (the newest of a run day up to it): 0 for an arm
    that the version does not name, null before the first version. `delivered_share` is the row's part of the
    impressions of its segment and day, as known on `as_of`; over an arm's placements and sizes it adds up.

    Raises:
        BadData: the rows are in more than one currency.
    """
    rows, seen = _versions(conn, campaign, placements, segments, as_of, arrived_by)
    table = _with_zeros(_summed(rows, [*_KEY, "as_of"]), seen)
    table = table.append_column("delivered_share", _delivered(table))
    table = table.append_column("intended_share", _intended(conn, campaign, table))
    table = table.append_column(
        "attributes", _attributes(conn, campaign, table["arm_id"], table["segment"], attributes)
    )
    levers = dict(placements.values())
    table = table.append_column("lever", bulk.lookup(table["placement"], levers))
    return _finish(table, schemas.history(list(attributes)), [*_KEY, "as_of"])


def arm_days(
    conn: Connection,
    campaign: str,
    *,
    segments: Mapping[str, str],
    as_of: date | None = None,
    arrived_by: datetime | None = None,
) -> pa.Table:
    """Newest knowledge per arm and day (`schemas.ARM_DAYS`), summed over placements and sizes. See `history`."""
    rows = _newest(conn, campaign, segments, as_of, arrived_by)
    key = ["segment", "arm_id", "day"]
    table = _summed(rows.filter(pc.is_valid(rows["segment"])), key)
    for name in ("conversions_micros", "revenue_micros", "spend_micros"):
        table = table.set_column(table.schema.get_field_index(name), name, pc.fill_null(table[name], 0))
    table = table.append_column("share", _intended(conn, campaign, table))
    return _finish(table, schemas.ARM_DAYS, key)


def unplaced(
    conn: Connection, campaign: str, *, segments: Mapping[str, str], as_of: date | None = None
) -> pa.Table:
    """Newest rows of the campaign's arms that belong to no one segment: (ad_group_id, arm_id, impressions, spend_micros).

    Something to say aloud: an arm of several segments showed in an ad group that the campaign file does not map.
    """
    rows = _newest(conn, campaign, segments, as_of, None)
    lost = rows.filter(pc.is_null(rows["segment"])).group_by(["ad_group_id", "arm_id"])
    sums = lost.aggregate([("impressions", "sum"), ("spend_micros", "sum")])
    names = ["ad_group_id", "arm_id", "impressions", "spend_micros"]
    return sums.rename_columns(names).sort_by([("ad_group_id", "ascending"), ("arm_id", "ascending")])


def _versions(
    conn: Connection,
    campaign: str,
    placements: Placements,
    segments: Mapping[str, str],
    as_of: date | None,
    arrived_by: datetime | None,
) -> tuple[pa.Table, pa.Table]:
    """Cells of every version with segment, placement and as_of; and every (placement, day, as_of) there is."""

    def place(row: SliceRow) -> str:
        named = placements.get((row.platform, row.account))
        return named[0] if named else f"{row.platform}:{row.account}"

    slices = slice_rows(conn, *until(as_of, arrived_by))
    found = list(asof.versions(slices, place))
    spoken = [(key, day, on, row.delivery) for key, day, on, speaking in found for row in speaking]
    cells_of = _cells(conn, campaign, segments, until(as_of, arrived_by))
    rows = cells_of.filter(pc.is_valid(cells_of["segment"])).join(
        _columns(spoken, ("placement", "day", "as_of", "delivery")), ["delivery", "day"], join_type="inner"
    )
    return rows, _columns([(key, day, on) for key, day, on, _ in found], ("placement", "day", "as_of"))


def _newest(
    conn: Connection,
    campaign: str,
    segments: Mapping[str, str],
    as_of: date | None,
    arrived_by: datetime | None,
) -> pa.Table:
    """Cells of the newest version with their segment (null where it is not known)."""
    speaking = asof.newest(slice_rows(conn, *until(as_of, arrived_by)))
    wanted = _columns([(row.day, row.delivery) for row in speaking], ("day", "delivery"))
    rows = _cells(conn, campaign, segments, [deliveries.c.id.in_({row.delivery for row in speaking})])
    return rows.join(wanted, ["delivery", "day"], join_type="inner")


def _columns(rows: Sequence[tuple[object, ...]], names: Sequence[str]) -> pa.Table:
    kinds = {"placement": pa.string(), "day": pa.date32(), "as_of": pa.date32(), "delivery": pa.int64()}
    columns = list(zip(*rows)) if rows else [()] * len(names)
    return pa.table({name: pa.array(column, kinds[name]) for name, column in zip(names, columns)})


def _cells(
    conn: Connection, campaign: str, segments: Mapping[str, str], where: Sequence[ColumnElement[bool]]
) -> pa.Table:
    """The campaign's cells of the wanted deliveries, each with its segment."""
    statement = (
        select(*bulk.select_columns(_CELL))
        .join_from(cells, deliveries)
        .where(*where, *of_campaign(campaign))
        .order_by(cells.c.delivery, cells.c.day, cells.c.n)
    )
    table = bulk.fetch(conn, statement, _CELL)
    _one_currency(conn, campaign, where)
    by_group = bulk.lookup(table["ad_group_id"], segments)
    by_arm = bulk.lookup(table["arm_id"], _homes(conn, campaign))
    return table.append_column("segment", pc.coalesce(by_group, by_arm))


def _homes(conn: Connection, campaign: str) -> dict[str, str]:
    """Arm -> its segment, for arms that live in exactly one."""
    statement = (
        select(arms.c.arm_id, func.min(arms.c.segment))
        .where(arms.c.campaign == campaign)
        .group_by(arms.c.arm_id)
        .having(func.count() == 1)
    )
    return {row[0]: row[1] for row in conn.execute(statement)}


def _one_currency(conn: Connection, campaign: str, where: Sequence[ColumnElement[bool]]) -> None:
    currency = func.coalesce(cells.c.currency, deliveries.c.currency)
    statement = select(currency).join_from(cells, deliveries).where(*where, *of_campaign(campaign)).distinct()
    found = sorted(name for (name,) in conn.execute(statement) if name)
    if len(found) > 1:
        raise BadData(
            f"campaign {campaign}: its rows are in {', '.join(found)}; run one campaign per currency"
        )


def _summed(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Counts added up per key. A count the platform never gave stays null; text keys are never null."""
    if "size" in key:
        rows = rows.set_column(rows.schema.get_field_index("size"), "size", pc.fill_null(rows["size"], ""))
    options = pc.ScalarAggregateOptions(skip_nulls=True, min_count=1)
    table = rows.group_by(list(key)).aggregate([(name, "sum", options) for name in _COUNTS])
    return table.select([*key, *(f"{name}_sum" for name in _COUNTS)]).rename_columns([*key, *_COUNTS])


def _with_zeros(table: pa.Table, seen: pa.Table) -> pa.Table:
    """Add a row of zeros wherever a row known before is absent from a later version of its placement and day."""
    key = [*_KEY, "as_of"]
    first = table.group_by(list(_KEY)).aggregate([("as_of", "min"), *((name, "max") for name in _COUNTS)])
    due = first.join(seen, ["placement", "day"], join_type="inner")
    due = due.filter(pc.greater(due["as_of"], due["as_of_min"]))
    absent = due.join(table.select(key), key, join_type="left anti")
    zeros = {name: pc.multiply(absent[f"{name}_max"], 0) for name in _COUNTS}  # null stays 'did not say'
    return pa.concat_tables(
        [table, pa.table({name: absent[name] for name in key} | zeros, schema=table.schema)]
    )


def _delivered(table: pa.Table) -> pa.Array:
    """Each row's part of its segment's impressions on that day, every placement as known on the row's `as_of`."""
    sums = table.group_by(["segment", "day", "as_of", "placement"]).aggregate([("impressions", "sum")])
    ordered = sums.sort_by([(name, "ascending") for name in ("segment", "day", "as_of")]).to_pydict()
    total: dict[tuple[str, date, date], int] = {}
    held: dict[tuple[str, date], dict[str, int]] = defaultdict(dict)
    columns = ("segment", "day", "as_of", "placement", "impressions_sum")
    for segment, day, as_of, placement, impressions in zip(*(ordered[name] for name in columns)):
        held[segment, day][placement] = impressions
        total[segment, day, as_of] = sum(held[segment, day].values())
    of_row = [total[key] for key in _zip(table, "segment", "day", "as_of")]
    whole = pa.array([n or None for n in of_row], pa.float64())
    return pc.divide(table["impressions"].combine_chunks().cast(pa.float64()), whole)


def _intended(conn: Connection, campaign: str, table: pa.Table) -> pa.Array:
    """Each row's share in the version live on its day."""
    share_on = intended(conn, campaign)
    return pa.array([share_on(*key) for key in _zip(table, "segment", "arm_id", "day")], pa.float64())


def intended(conn: Connection, campaign: str) -> Callable[[str, str, date], float | None]:
    """Share of (segment, arm_id, day) by the version live that day; None where no version names the segment."""
    ordered = select(versions.c.day, versions.c.number).where(versions.c.campaign == campaign)
    live = [(day, number) for day, number in conn.execute(ordered.order_by(versions.c.number))]
    days: list[date] = []
    for day, _ in live:  # a version is live from its day on, but never before the versions it replaced
        days.append(max(day, days[-1]) if days else day)
    s = version_shares.c
    statement = select(s.number, s.segment, s.arm_id, s.share).where(s.campaign == campaign).distinct()
    shares = {(number, segment, arm): share for number, segment, arm, share in conn.execute(statement)}
    named = {(number, segment) for number, segment, _ in shares}

    def share_on(segment: str, arm: str, day: date) -> float | None:
        at = bisect_right(days, day) - 1
        if at < 0 or (live[at][1], segment) not in named:
            return None
        return shares.get((live[at][1], segment, arm), 0.0)

    return share_on


def _zip(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names)))


def _attributes(
    conn: Connection, campaign: str, arm_ids: pa.ChunkedArray, of: pa.ChunkedArray, attributes: Sequence[str]
) -> pa.Array:
    """Each row's genome as a struct: that of its (segment, arm), or of the arm in another segment."""
    statement = select(arms.c.segment, arms.c.arm_id, arms.c.genome).where(arms.c.campaign == campaign)
    at: dict[tuple[str | None, str], int] = {}
    genomes: list[dict[str, str]] = []
    for segment, arm, genome in conn.execute(statement.order_by(arms.c.segment)):
        at[segment, arm] = len(genomes)
        at.setdefault((None, arm), len(genomes))
        genomes.append({name: genome.get(name) for name in attributes})
    index = [at.get((s, a), at[None, a]) for s, a in zip(of.to_pylist(), arm_ids.to_pylist())]
    return pa.array(genomes, schemas.genome(list(attributes))).take(pa.array(index, pa.int64()))


def _finish(table: pa.Table, schema: pa.Schema, order: Sequence[str]) -> pa.Table:
    """The table in its published schema and one fixed order."""
    conversions = pc.divide(table["conversions_micros"].cast(pa.float64()), 1e6)
    table = table.append_column("conversions", conversions).sort_by([(name, "ascending") for name in order])
    if "size" in table.column_names:
        size = table["size"]
        size = pc.if_else(pc.equal(size, ""), pa.scalar(None, pa.string()), size)
        table = table.set_column(table.schema.get_field_index("size"), "size", size)
    return table.select(schema.names).cast(schema)
