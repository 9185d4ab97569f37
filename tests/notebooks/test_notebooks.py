"""The walk-throughs run from top to bottom against a small, real workspace; their market is simulated here."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pyarrow as pa
import pytest
from nbclient import NotebookClient

import dco
from dco.jobs.init import init
from dco.records import Campaign, Copy, Creative, Delivery, Genome, arm_id
from dco.schemas import REPORT, SHARES
from dco.store import ledger, runs, versions
from dco.store.arms import record, save_creative
from dco.store.workspace import Workspace

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
DAYS = 6


def creative(campaign: Campaign, segment: str, number: int, parents: tuple[str, ...] = ()) -> Creative:
    """A creative with true options of the campaign; its pixels are named by a hash, the notebook does not look at them."""
    options = {a: o[number % len(o)] for a, o in campaign.space.attributes.items()}
    copy: Copy = campaign.copy_of(options)
    rasters = {"300x250": hashlib.sha256(f"{segment} {number}".encode()).hexdigest()}
    prompt = f"a {options['scene']}, {options['light']}"
    return Creative(
        arm_id(rasters, copy, campaign.link), segment, Genome.of(options), copy, campaign.link, rasters, parents, prompt, number, "procedural"
    )  # fmt: skip


def reported(campaign: Campaign, arms: list[Creative], day: date, rng: np.random.Generator) -> pa.Table:
    """One day's lines of a Google Ads report about these ads."""
    group = {s.key: s.platform_ids["google_ads"][0] for s in campaign.segments}
    account = next(p.account for p in campaign.placements if p.platform == "google_ads")
    rows: list[dict[str, Any]] = []
    for line, arm in enumerate(arms, 1):
        shown = int(rng.poisson(3000))
        said = {
            "platform": "google_ads",
            "account": account,
            "day": day,
            "currency": campaign.currency,
            "size": "300x250",
            "line": line,
        }
        said |= {
            "ad_group_id": group[arm.segment],
            "arm_id": arm.arm_id,
            "ad": arm.arm_id,
            "impressions": shown,
            "conversions": Decimal(0),
        }
        said |= {
            "clicks": int(rng.binomial(shown, 0.01 + 0.002 * (arm.seed % 3))),
            "spend_micros": shown * 4000,
            "revenue_micros": 0,
        }
        rows.append(dict.fromkeys(REPORT.names) | said)
    return pa.Table.from_pylist(rows, REPORT)


def shares_of(arms: list[Creative], starting: set[str]) -> list[dict[str, Any]]:
    """Equal shares with a holdout of 10 % over the starting ads, and a posterior that says little."""
    rows = []
    for arm in arms:
        mates = [a for a in arms if a.segment == arm.segment]
        first = [a for a in mates if a.arm_id in starting]
        control = 0.1 / len(first) if arm in first else 0.0
        # The leaning towards one ad makes the optimised part differ from the holdout.
        weight = (1 + (arm.seed % 3)) / sum(1 + (a.seed % 3) for a in mates)
        belief = {"p_best": 1 / len(mates), "mean": 0.012, "low": 0.010, "high": 0.014}
        rows.append(
            {
                "segment": arm.segment,
                "arm_id": arm.arm_id,
                "share": 0.9 * weight + control,
                "control_share": control,
                **belief,
            }
        )
    return rows


@pytest.fixture
def campaign_folder(tmp_path: Path) -> Path:
    """A campaign with eighteen ads, six nights and their reports, written through the store's own doors."""
    folder = tmp_path / "campaign"
    init(folder)
    campaign = dco.load_campaign(folder)
    rng = np.random.default_rng(5)
    arms = [creative(campaign, s.key, n) for s in campaign.segments for n in range(5)]
    starting = {a.arm_id for a in arms}
    children = [creative(campaign, s.key, 7, (arms[5 * i].arm_id,)) for i, s in enumerate(campaign.segments)]
    effects = [
        {
            "attribute": "scene",
            "option": o,
            "segment": "",
            "effect_pct": 5.0,
            "low_pct": -2.0,
            "high_pct": 12.0,
        }
        for o in campaign.space.attributes["scene"]
    ]
    with Workspace.open(folder / "store") as workspace:
        for n in range(DAYS):
            day = campaign.start + timedelta(days=n)
            now = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
            born = arms if n == 0 else children if n == 3 else []
            live = arms + (children if n >= 3 else [])
            with workspace.write() as conn:
                for one in born:
                    save_creative(conn, campaign.key, one, day, one.arm_id in starting, now)
                    record(
                        conn,
                        campaign.key,
                        one.arm_id,
                        "approved",
                        by="Jane Doe",
                        now=now,
                        segment=one.segment,
                    )
                said = {
                    "now": now,
                    "owner": "test",
                    "lease_seconds": 60.0,
                    "seed": n,
                    "config": campaign.source_hash,
                }
                run = runs.claim(conn, campaign.key, day, **said)
                rows = shares_of(live, starting)
                decided = {
                    "shares": rows,
                    "why": [f"commuters: night {n}"],
                    "diagnostics": {"effects": effects},
                }
                runs.finish_step(conn, run, "decide", decided)
                levers = {p.key: p.lever for p in campaign.placements}
                table = pa.Table.from_pylist(rows, SHARES)
                versions.publish(conn, campaign.key, {"n": n}, table, run=day, now=now, levers=levers)
                runs.finish(conn, run, "done", {"version": n + 1}, now=now)
                report = reported(campaign, live, day, rng)
                sha = hashlib.sha256(str(report.to_pylist()).encode()).hexdigest()
                stamp = now + timedelta(hours=22)
                account = report["account"][0].as_py()
                file = Delivery(
                    f"day{n}.csv",
                    sha,
                    "google_ads",
                    account,
                    campaign.zone,
                    campaign.currency,
                    "full",
                    day,
                    day,
                    stamp,
                    report,
                )
                ledger.apply(conn, file, stamp + timedelta(minutes=5))
    return folder


def run(notebook: Path, campaign_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Execute a notebook beside its file, with its campaign named by the environment; returns its outputs as text."""
    monkeypatch.setenv("DCO_CAMPAIGN", str(campaign_folder))
    book = nbformat.read(notebook, as_version=4)
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(notebook.parent)}}
    ).execute()
    texts = []
    for cell in book.cells:
        for out in cell.get("outputs", []):
            texts.append(out.get("text", "") + str(out.get("data", {}).get("text/plain", "")))
            texts[-1] += str(out.get("data", {}).get("image/svg+xml", ""))
    return texts


def test_an_analyst_reads_a_campaign_from_its_store(campaign_folder, monkeypatch):
    texts = run(NOTEBOOKS / "01_read_a_campaign.ipynb", campaign_folder, monkeypatch)
    told = "\n".join(texts)
    assert "Aurora Coffee: aurora-autumn" in told
    assert sum("<svg" in t for t in texts) == 3  # own rates, shares over time, effects
    assert "randomised" in told and "budgeted" in told
    assert " % to " in told and "optimised part" in told  # the gain with its interval and its estimand
    assert "commuters: night 5" in told
    assert "NaN" not in "".join(t for t in texts if "<svg" in t)


def test_notebooks_are_committed_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        book = nbformat.read(path, as_version=4)
        assert not [c for c in book.cells if c.get("outputs") or c.get("execution_count")], path.name
