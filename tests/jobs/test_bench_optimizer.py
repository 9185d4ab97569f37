"""The bench measures what it says: its oracles agree with other routes, its rows with each other. No time is asserted."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from scipy import integrate, stats

from dco import registry
from dco.errors import BadInput
from dco.jobs.bench import Options, Row, as_dict, run, table
from dco.jobs.benches import optimizer
from dco.jobs.benchmarks import best_arm, peers, turns
from dco.jobs.benchmarks.season import DAY, SPACE, season


def test_the_bench_is_found_by_its_file_name_and_refuses_a_gpu() -> None:
    assert "optimizer" in registry.names("benches")
    with pytest.raises(BadInput, match="uses no GPU"):
        run("optimizer", Options(device="cuda"))


def test_the_oversampled_quadrature_is_the_adaptive_one_and_resolves_the_whole() -> None:
    a, b = best_arm.posteriors(5, 3)
    p, total = best_arm.oversampled(a, b, 16)
    assert total == pytest.approx(1, abs=1e-8)
    arms = [stats.beta(*one) for one in zip(a, b)]
    low, high = max(arm.ppf(1e-11) for arm in arms), max(arm.isf(1e-11) for arm in arms)
    for k, arm in enumerate(arms):
        others = [one for j, one in enumerate(arms) if j != k]
        true, _ = integrate.quad(
            lambda x, arm=arm, others=others: arm.pdf(x) * np.prod([o.cdf(x) for o in others]),
            low, high, epsabs=1e-10, limit=400,
        )  # fmt: skip
        assert p[k] == pytest.approx(true, abs=1e-8)


def test_monte_carlo_of_the_stated_draws_is_as_accurate_as_stated() -> None:
    """Two standard errors are the error asked for: about one run in twenty is further off."""
    a, b = best_arm.posteriors(4, 0)
    p, _ = best_arm.oversampled(a, b, 16)
    error = 0.02
    draws = round(best_arm.draws_for(p, error))
    worst = int(np.argmax(p * (1 - p)))
    rng = np.random.default_rng(0)
    off = [abs(best_arm.monte_carlo(a, b, draws, rng)[worst] - p[worst]) for _ in range(400)]
    assert stats.binomtest(int(np.sum(np.array(off) > error)), 400, 0.0455).pvalue > 1e-3


def test_a_season_restates_conversions_and_nothing_else() -> None:
    history, live = season(2, 12, 20, 6, 4)
    rows = history.to_pandas()
    assert (rows["as_of"] >= rows["day"]).all() and rows["as_of"].max() == DAY == rows["day"].max()
    cells = rows.sort_values("as_of").groupby(["segment", "arm_id", "day"])
    assert (cells[["impressions", "clicks"]].nunique() == 1).all(axis=None)
    assert cells["conversions"].apply(lambda c: c.is_monotonic_increasing).all()
    assert cells.size().max() == 4 and rows.groupby(["segment", "arm_id"]).ngroups == 24
    assert len(live) == 20 and set(live[0]["attributes"]) == set(SPACE)


def test_ways_take_turns_and_every_one_is_called_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SHORTEST", 0.0)  # one call is one reading
    order: list[str] = []

    def slow(name: str) -> None:
        order.append(name)
        sum(range(10_000))

    found = turns.cpu_seconds([lambda: slow("a"), lambda: slow("b")], 3)
    assert order == ["a", "a", "b", "b", *"ababab"]
    assert all(seconds > 0 for seconds in found)


def test_rows_state_ours_what_it_is_compared_with_and_the_ratio() -> None:
    found = [
        optimizer.best(4, 0.7, 1, problems=2, drawn=4_000),
        *optimizer.nights(1, 6, 10, 4, 2, 1),
        *optimizer.log(5_000, 10, 0.012, 1),
        *optimizer.log(5_000, 10, 0.5, 1),
        optimizer.assignments(10, 1_000, 1),
    ]
    for row in found:
        assert row.value > 0, row
        if row.against is not None and row.ratio is not None:
            better = row.value / row.against if row.unit == "M/s" else row.against / row.value
            assert row.ratio == pytest.approx(better), row
    assert [row.ok is None for row in found] == [False] * 6 + [True, False]
    assert "error" in found[0].note and float(found[0].note.split("error ")[1].split()[0]) < 1e-3
    assert json.loads(json.dumps(as_dict("optimizer", found)))["rows"]
    assert len(table(found).splitlines()) == 9


def rows_beside(name: str) -> list[Row]:
    return optimizer.beside(name, 3, 600, 50, 1)


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_is_measured_where_it_is_installed_and_else_said_to_be_missing(name: str) -> None:
    update, decide = rows_beside(name)
    there = importlib.util.find_spec(name.lower()) is not None
    assert update.value > 0 and decide.value > 0
    for row in (update, decide):
        assert (row.against is not None) == there
        assert ("not installed" in row.note) == (not there)
        assert row.ok is None
