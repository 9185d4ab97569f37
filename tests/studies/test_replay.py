"""The replay study: its targets and truths on made-up logs, and a committed table that is its own output."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dco import registry
from experiments.studies.replay import __main__ as study
from experiments.studies.replay.data import DAYS, ITEMS, POSITIONS, Log, folder, load, shares_served

STUDY = Path(study.__file__).parent


def made_up(n, seed, shares, rates):
    draw = np.random.default_rng(seed)
    item = draw.choice(ITEMS, n, p=shares)
    click = (draw.random(n) < rates[item]).astype(float)
    return Log(click, item, shares[item], draw.integers(0, POSITIONS, n), draw.integers(0, DAYS, n))


def test_what_a_policy_earned_is_found_in_the_other_s_log():
    rates = np.linspace(0.01, 0.15, ITEMS)
    uniform, tilted = np.full(ITEMS, 1 / ITEMS), np.linspace(0.5, 1.5, ITEMS) / ITEMS
    random, other = made_up(20_000, 1, uniform, rates), made_up(20_000, 2, tilted, rates)
    assert shares_served(other).shape == (DAYS * POSITIONS, ITEMS)
    rows = [r for r in study.known(random, other) if r["policy"] == "Thompson" and r["method"] != "dm"]
    assert len(rows) == 4
    for r in rows:
        assert r["meets"] == "yes" and r["honest_covers"] == "yes"
        assert r["verdict"] == "earns more than the logged policy"


def test_the_engine_s_policies_find_the_better_items_by_position():
    rates = np.where(np.arange(ITEMS) < 6, 0.3, 0.02)
    log = made_up(20_000, 3, np.full(ITEMS, 1 / ITEMS), rates)
    options = np.eye(ITEMS)[:, :3]
    for name in set(registry.names("policies")) - {"equal", "ab_then_commit"}:
        shares = study.shares_learnt(name, log, options)
        assert shares.sum(axis=1) == pytest.approx(1)
        assert (shares[:, :6].sum(axis=1) > 0.8).all(), name


def test_every_estimate_agrees_with_loops_written_from_the_papers_and_a_false_one_would_be_found():
    rates = np.linspace(0.01, 0.15, ITEMS)
    log = made_up(3_000, 4, np.linspace(0.5, 1.5, ITEMS) / ITEMS, rates)
    target = np.tile(np.linspace(1.8, 0.2, ITEMS) / ITEMS, (DAYS * POSITIONS, 1))
    found = study.value(log, target)
    assert all(off <= study.AGREE for _, off in found.values())
    wrong = Log(log.click, log.item, log.propensity * (1 + 1e-6), log.position, log.day)
    assert abs(found["ips"][0].value - study.value(wrong, target)["ips"][0].value) > study.AGREE


def test_the_page_ends_with_the_agreement_and_counts_the_refusals():
    page = (STUDY / "RESULTS.md").read_text(encoding="utf-8")
    rows = list(csv.DictReader((STUDY / "results.csv").read_text(encoding="utf-8").splitlines()))
    refused = sum(float(r["ess"]) < 50 for r in rows)
    assert {r["from_oracle"] for r in rows} == {"<=1e-09"} and refused == 5
    assert (
        f"agreed to 1e-09.\n{refused} of them rest on" in page
        and f"{refused} of {refused} got no verdict" in page
    )
    with_one_off = [{"from_oracle": 1e-8, "ess": 10.0, "verdict": "earns more than the logged policy"}]
    assert (
        "NOT agreed" in study.agreement(with_one_off)[3]
        and "0 of 1 got no verdict" in study.agreement(with_one_off)[4]
    )


def test_the_committed_table_says_what_the_committed_page_says():
    page = (STUDY / "RESULTS.md").read_text(encoding="utf-8")
    rows = list(csv.DictReader((STUDY / "results.csv").read_text(encoding="utf-8").splitlines()))
    for r in rows:
        begin = (
            f"| {r['policy']} | {r['method']} | {100 * float(r['value']):.3f} | {100 * float(r['se']):.3f} |"
        )
        assert begin in page
        if float(r["ess"]) < 50:
            assert r["verdict"].startswith("cannot be told from these data")
    learnt = {r["policy"] for r in rows if r["part"] == study.LEARNT}
    assert len(learnt) >= 10 and learnt <= set(registry.names("policies"))
    there = [r for r in rows if r["log"] == "random" and r["policy"] == "Thompson" and r["method"] != "dm"]
    assert [r["covers"] + r["published"] + r["honest_covers"] for r in there] == ["yesyesyes"] * 4
    assert all(
        "cannot be told" in r["verdict"] for r in rows if r["log"] == "Thompson" and r["policy"] == "random"
    )


def test_without_data_it_says_where_they_go(monkeypatch):
    monkeypatch.delenv("DCO_REAL_DATA", raising=False)
    with pytest.raises(SystemExit, match=r"DCO_REAL_DATA.*obd_women"):
        folder()


@pytest.mark.realdata
def test_the_real_logs_are_what_the_page_says_and_give_its_table(real_data):
    where = real_data / "obd_women"
    if not where.is_dir():
        pytest.skip("DCO_REAL_DATA has no obd_women")
    random, thompson = load(where / "random_women.csv.gz"), load(where / "bts_women.csv.gz")
    for log in (random, thompson):
        assert len(log.click) == 10_000 and log.click.sum() == 46 and log.day.max() == DAYS - 1
    text = (STUDY / "RESULTS.md").read_text(encoding="utf-8")
    for r in study.known(random, thompson):
        assert study.line(r) in text
