"""Gathers what a campaign's report says from its store. Nothing is computed here that a room below can compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import Connection, select

from dco import schemas
from dco.errors import BadData
from dco.generate.cache import PictureCache
from dco.generate.quality.panel import worst
from dco.jobs import rasters
from dco.jobs.decide import history as past
from dco.jobs.decide import segments_of
from dco.jobs.desk import Desk
from dco.records import LICENCE_OF, Making
from dco.reports.facts import (
    COSTS,
    SHARES_OVER_TIME,
    ArmCard,
    CampaignReport,
    ForecastRow,
    Gain,
    GainRow,
    InputFile,
    NightNote,
    PlacementNote,
    Restatement,
    State,
    Unsettled,
    effects_table,
)
from dco.reports.reasons import Decided
from dco.stats.gain import gain_over_control
from dco.store import costs, forecasts, history, licences, runs, tables, versions
from dco.store import missed as missing
from dco.store.arms import ArmRow, arms, life
from dco.store.files import Files

_STATES: Mapping[str, State] = {
    "drafted": "pending",
    "approved": "approved",
    "live": "live",
    "paused": "live",
    "retired": "retired",
    "rejected": "rejected",
    "expired": "expired",
}
RESTATED_SHOWN = 14
LEVEL = 0.90
"""Coverage of every interval of a report, so that they can be read side by side."""
LIBRARIES = ("dco", "numpy", "scipy", "torch", "diffusers")


@dataclass(frozen=True)
class Extra:
    """What only a caller with a known truth can add: comparisons with it."""

    rows: tuple[GainRow, ...] = ()


def campaign_report(
    conn: Connection, desk: Desk, *, now: datetime, extra: Extra | None = None
) -> CampaignReport:
    """Everything `reports.campaign.render` needs, as of `now`."""
    campaign, extra = desk.campaign, extra or Extra()
    nights = [run for run in runs.listing(conn, campaign.key) if run.status == "done"]
    days = arm_days(conn, desk)
    shares = shares_by_day(conn, desk)
    steps = {run.day: _steps(conn, run) for run in nights}
    records = {model: in_words(row) for model, row in licences.of_campaign(conn, campaign.key).items()}
    newest = next((steps[run.day]["decide"] for run in reversed(nights) if _decided(steps[run.day])), None)
    return CampaignReport(
        campaign=campaign,
        as_of=now,
        run_id=f"{campaign.key} {nights[-1].day}" if nights else f"{campaign.key} (no night yet)",
        arms=tuple(
            replace(
                arm_card(desk.workspace.files, row, born, measured(desk, row)),
                making=costs.making(conn, campaign.key, keys=row.creative.requests),
                model_licence=records.get(row.creative.model, NO_RECORD),
            )
            for row, born in _lives(conn, desk)
        ),
        simulated=campaign.simulated or None,
        versions=_versions(),
        hashes=_hashes(conn, desk),
        files=tuple(_files(conn)),
        shares_over_time=shares,
        arm_days=days,
        shares=pa.Table.from_pylist(newest["shares"] if newest else [], schemas.SHARES),
        effects=_effects(newest),
        believed=_believed(newest),
        restatements=tuple(_restatements(past(conn, campaign, as_of=now.date()))),
        gain=gain_of(days, shares, campaign.plan.kpi),
        gain_table=extra.rows,
        nights=tuple(_notes(conn, nights, steps)),
        decided=_decision(steps, nights),
        interactions=tuple((newest or {}).get("interactions", ())),
        forecasts=tuple(
            ForecastRow(f.said_on, f.subject, f.name, f.value, f.due, f.outcome)
            for f in forecasts.listing(conn, campaign.key)
        ),
        costs=_costs(conn, campaign.key),
        making=making(conn, desk, nights),
        model_licences=tuple(records.items()),
        unsettled=tuple(_unsettled(days, newest, campaign.conversion_window_days, campaign.plan.kpi)),
        placements=tuple(
            PlacementNote(p.key, p.platform, p.lever, LICENCE_OF[p.lever]) for p in campaign.placements
        ),
    )


def arm_days(conn: Connection, desk: Desk, *, as_of: date | None = None) -> pa.Table:
    """Newest knowledge per arm and day (`schemas.ARM_DAYS`)."""
    return history.arm_days(conn, desk.campaign.key, segments=segments_of(desk.campaign), as_of=as_of)


def shares_by_day(conn: Connection, desk: Desk) -> pa.Table:
    """Every day's shares by the version live on it, up to the newest version's day (`SHARES_OVER_TIME`)."""
    table = versions.shares_over_time(conn, desk.campaign.key)
    newest: dict[date, dict[tuple[str, str], dict[str, Any]]] = {}
    numbers: dict[date, int] = {}
    for row in table.to_pylist():
        if row["number"] > numbers.get(row["day"], 0):
            numbers[row["day"]], newest[row["day"]] = row["number"], {}
        if row["number"] == numbers[row["day"]]:
            newest[row["day"]][row["segment"], row["arm_id"]] = row
    if not newest:
        return SHARES_OVER_TIME.empty_table()
    rows = []
    day, live = min(newest), newest[min(newest)]
    last = max([*newest, *(run.day for run in runs.listing(conn, desk.campaign.key))])
    while day <= last:
        live = newest.get(day, live)
        rows += [
            {
                "day": day,
                "segment": r["segment"],
                "arm_id": r["arm_id"],
                "share": r["share"],
                "control_share": r["control_share"],
            }
            for r in live.values()
        ]
        day += timedelta(days=1)
    return pa.Table.from_pylist(rows, SHARES_OVER_TIME)


def gain_of(days: pa.Table, shares: pa.Table, kpi: str) -> Gain | None:
    """The gain of the engine's own split over the holdout's, with its interval; None while it cannot be told."""
    measure = {"ctr": "clicks", "cpa": "conversions"}.get(kpi, "revenue_micros")
    table = joined(days, shares)
    try:
        found = gain_over_control(table.filter(held_days(table)), measure=measure, level=LEVEL)
    except BadData:  # nothing served yet, no holdout, or too few events: too early to say
        return None
    return Gain(found.value, found.low, found.high, level=round(100 * found.level))


def held_days(table: pa.Table) -> pa.Array:
    """Rows of segment-days on which a part was optimised and a part was held out: only they can be compared."""
    keys = list(zip(table["segment"].to_pylist(), table["day"].to_pylist(), strict=True))
    held: dict[Any, float] = {}
    for key, share in zip(keys, table["control_share"].to_pylist(), strict=True):
        held[key] = held.get(key, 0.0) + share
    return pa.array([0 < held[key] < 1 for key in keys], pa.bool_())


def joined(days: pa.Table, shares: pa.Table) -> pa.Table:
    """Counts beside the intended shares of the same day, for every arm that was to be served."""
    counted = days.drop_columns(["share"])
    keys = ["segment", "arm_id", "day"]
    return counted.join(shares, keys, join_type="inner").sort_by(
        [(k, "ascending") for k in ("segment", "day", "arm_id")]
    )


def _lives(conn: Connection, desk: Desk) -> list[tuple[ArmRow, dict[str, Any]]]:
    """Each arm with what its life says: who approved it, when it retired and why."""
    said: dict[tuple[str, str], dict[str, Any]] = {}
    for event in life(conn, desk.campaign.key):
        known = said.setdefault((event.segment, event.arm_id), {})
        if event.event == "approved":
            known |= {"approved_by": event.by, "rule": event.rule}
        if event.event in ("retired", "rejected", "expired"):
            known |= {"retired": event.at.date(), "retired_why": event.reason}
    return [(row, said.get((row.segment, row.arm_id), {})) for row in arms(conn, desk.campaign.key)]


def measured(desk: Desk, row: ArmRow) -> dict[str, float]:
    """What the quality gates measured on a creative's backdrops, the worst of each; empty when the cache has them no more."""
    cache = PictureCache(Path(desk.workspace.folder) / "pictures")
    return worst(cache.quality(key) for key in row.creative.requests)


def arm_card(
    files: Files, row: ArmRow, said: Mapping[str, Any], quality: Mapping[str, float] | None = None
) -> ArmCard:
    """One creative as reports and the gallery show it."""
    creative = row.creative
    shown = next((s for s in ("1080x1080", "300x250") if s in creative.rasters), next(iter(creative.rasters)))
    return ArmCard(
        arm_id=creative.arm_id,
        segment=creative.segment,
        genome=creative.genome.as_dict(),
        copy=creative.copy,
        state=_STATES[row.state],
        born=row.born,
        parents=creative.parents,
        thumb=rasters.thumb(files, creative.rasters[shown]),
        sizes=tuple(creative.rasters),
        prompt=creative.prompt,
        seed=creative.seed,
        model=creative.model,
        control=row.control,
        quality=quality or {},
        **{k: said[k] for k in ("approved_by", "rule", "retired", "retired_why") if k in said},
    )


def _steps(conn: Connection, run: runs.Run) -> dict[str, Any]:
    names = ("ingest", "decide", "create", "publish")
    return {n: out for n in names if (out := runs.step(conn, run, n)) is not None}


def _decided(steps: Mapping[str, Any]) -> bool:
    return bool(steps.get("decide", {}).get("shares"))


def _decision(steps: Mapping[date, Mapping[str, Any]], nights: Sequence[runs.Run]) -> Decided | None:
    """The newest night that decided about shares."""
    night = next((run for run in reversed(nights) if _decided(steps[run.day])), None)
    return decided(night.day, steps[night.day]["decide"]) if night else None


def decided(
    day: date, step: Mapping[str, Any], *, names: Mapping[str, str] | None = None, money: Sequence[str] = ()
) -> Decided:
    """A night's step 'decide' as its reasons; what older nights did not keep is empty."""
    rows: dict[str, Any] = {
        name: tuple(step.get(name, ()))
        for name in ("shares", "proposals", "retire", "fatigue", "parts", "why")
    }
    return Decided(day, **rows, money=tuple(money), names=names or {})


def _notes(
    conn: Connection, nights: Sequence[runs.Run], steps: Mapping[date, Mapping[str, Any]]
) -> Iterator[NightNote]:
    """What each night did; of the starting ads only what could not be made."""
    for run in nights:
        missed = tuple(missing.of_run(conn, run))
        if "decide" in steps[run.day]:
            yield replace(_note(run, steps[run.day]), missed=missed)
        elif missed:
            yield NightNote(run.day, None, born=run.summary.get("started", 0), missed=missed)


def _note(run: runs.Run, steps: Mapping[str, Any]) -> NightNote:
    published, created = steps.get("publish", {}), steps.get("create", {})
    return NightNote(
        day=run.day,
        version=published.get("version"),
        sentences=tuple(steps["decide"]["why"]),
        born=len(created.get("born", ())),
        retired=len(published.get("retired", ())),
        moved=len(published.get("moved", ())),
    )


def _effects(decided: Mapping[str, Any] | None) -> pa.Table:
    return effects_table((decided or {}).get("diagnostics", {}).get("effects", []))


def _believed(decided: Mapping[str, Any] | None) -> Literal["clicks", "conversions", "revenue"] | None:
    """What the newest decision was really made by: the last stage of the model; None before any."""
    stages = (decided or {}).get("diagnostics", {}).get("stages", [])
    return stages[-1]["stage"] if stages else None


def _restatements(table: pa.Table) -> list[Restatement]:
    """Days of which a later reading of the same placement said something else: first said, now known. Newest days first."""
    changed = []
    for metric in ("clicks", "conversions"):
        said: dict[tuple[date, str], dict[date, float]] = {}
        columns = (table[name].to_pylist() for name in ("day", "placement", "as_of", metric))
        for day, placement, as_of, count in zip(*columns, strict=True):
            known = said.setdefault((day, placement or ""), {})
            known[as_of] = known.get(as_of, 0.0) + float(count or 0)
        changed += [
            Restatement(day, metric, known[min(known)], known[max(known)], placement)
            for (day, placement), known in said.items()
            if known[min(known)] != known[max(known)]
        ]
    return sorted(changed, key=lambda r: (r.day, r.metric, r.source), reverse=True)[:RESTATED_SHOWN]


def _files(conn: Connection) -> Sequence[InputFile]:
    d = tables.deliveries.c
    statement = select(
        d.source, d.sha256, d.platform, d.arrived, d.first_day, d.last_day, d.rows, d.stamp, d.scope
    )
    return [InputFile(*row) for row in conn.execute(statement.order_by(d.arrived, d.source))]


def _costs(conn: Connection, campaign: str) -> pa.Table:
    c, r = tables.costs.c, tables.runs.c
    statement = select(r.day, c.kind, c.seconds, c.micros).join_from(tables.costs, tables.runs)
    rows: dict[tuple[date, str], list[float]] = {}
    for day, kind, seconds, micros in conn.execute(statement.where(r.campaign == campaign)):
        spent = rows.setdefault((day, kind), [0.0, 0])
        spent[0] += seconds
        spent[1] += micros
    return pa.Table.from_pylist(
        [{"day": d, "kind": k, "seconds": s, "micros": int(m)} for (d, k), (s, m) in sorted(rows.items())],
        COSTS,
    )


def making(conn: Connection, desk: Desk, nights: Sequence[runs.Run]) -> tuple[tuple[str, Making], ...]:
    """What pictures took in the last night and in all; nothing before the first picture."""
    key = desk.campaign.key
    whole = costs.making(conn, key)
    if whole == Making():
        return ()
    last = [("last night", costs.making(conn, key, run=nights[-1]))] if nights else []
    return (*last, ("in all", whole))


NO_RECORD = "no licence on record: drafts only"


def in_words(row: licences.ModelLicence) -> str:
    """A model's licence record on one line."""
    if not row.licence:
        return NO_RECORD
    said = " ".join(
        p for p in (f"by {row.by}" if row.by else "", f"on {row.stated}" if row.stated else "") if p
    )
    parts = [
        row.licence,
        f"commercial use {row.commercial}",
        row.note,
        f"stated {said}" if said else "",
        row.source,
    ]
    return "; ".join(p for p in parts if p)


def _unsettled(
    days: pa.Table, decided: Mapping[str, Any] | None, window: int, kpi: str
) -> Sequence[Unsettled]:
    """Days young enough that their conversions still come in; clicks settle at once."""
    if kpi == "ctr" or not days.num_rows:
        return []
    known = sorted(set(days["day"].to_pylist()))
    last = known[-1]
    curve = (decided or {}).get("diagnostics", {}).get("completion", [])
    young = [d for d in known if (last - d).days < window]
    ages = {d: (last - d).days for d in young}
    return [Unsettled(d, curve[ages[d]] if ages[d] < len(curve) else None) for d in young]


def _hashes(conn: Connection, desk: Desk) -> dict[str, str]:
    hashes = {"campaign file": desk.campaign.source_hash}
    models = {row.creative.model for row in arms(conn, desk.campaign.key)}
    return hashes | {f"model {i + 1}" if i else "model": m for i, m in enumerate(sorted(models))}


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
