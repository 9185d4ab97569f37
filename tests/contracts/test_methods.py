"""What every method of comparison promises, run over every method file found."""

import numpy as np
import pyarrow as pa
import pytest

import dco
from dco import registry
from dco.errors import BadData, UnknownName
from dco.stats.result import LICENCE_WORDS, ROWS

METHODS = registry.names("methods")


def log(lift=0.3, arms=("a", "b", "c"), nights=8, size=20_000, seed=0, segments=("all",)):
    """A fixed-split batch log that every method can read."""
    rng = np.random.default_rng(seed)
    rows = []
    for segment in segments:
        for t in range(nights):
            for k, arm in enumerate(arms):
                n = size // len(arms)
                rate = 0.02 * (1 + 0.2 * np.sin(t)) * (1 + lift * (k == 1))
                rows.append((segment, arm, t, n, rng.binomial(n, rate), 1 / len(arms)))
    return {
        k: list(v)
        for k, v in zip(("segment", "arm", "batch", "n", "s", "propensity"), zip(*rows), strict=True)
    }


def test_the_methods_promised_are_there():
    assert {"log_ratio", "beta_binomial", "adaptive_lift"} <= set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_clear_lift_is_found_and_no_lift_is_not(method):
    result = dco.compare(log(), method=method, baseline="a")
    b, c = result.row("b"), result.row("c")
    assert 0 < b["low"] < b["lift"] < b["high"]
    assert c["low"] < 0 < c["high"]
    assert result.row("a").get("lift") is None


@pytest.mark.parametrize("method", METHODS)
def test_the_result_is_a_table_that_names_estimand_and_licence(method):
    for licence, words in LICENCE_WORDS.items():
        result = dco.compare(log(), method=method, baseline="a", licence=licence)
        assert result.estimand in repr(result) and words in repr(result)
    table = result.to_arrow()
    assert table.schema == ROWS and table["arm"].to_pylist() == ["a", "b", "c"]
    with pytest.raises(AttributeError):
        result.level = 0.5


@pytest.mark.parametrize("method", METHODS)
def test_a_table_and_a_mapping_in_any_row_order_say_the_same(method):
    columns = log()
    order = np.random.default_rng(1).permutation(len(columns["arm"]))
    there = dco.compare(columns, method=method, baseline="a").row("b")
    back = dco.compare(pa.table(columns).take(pa.array(order)), method=method, baseline="a").row("b")
    assert {k: v for k, v in back.items() if k != "arm"} == pytest.approx(
        {k: v for k, v in there.items() if k != "arm"}, nan_ok=True
    )


@pytest.mark.parametrize("method", METHODS)
def test_segments_are_compared_each_for_itself(method):
    both = dco.compare(log(segments=("x", "y")), method=method, baseline="a")
    one = dco.compare(log(segments=("x",)), method=method, baseline="a")
    assert both.row("b", "x") == pytest.approx(one.row("b", "x"), nan_ok=True)
    assert {r["segment"] for r in both.rows} == {"x", "y"}


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_level_is_wider(method):
    narrow = dco.compare(log(), method=method, baseline="a", level=0.8).row("b")
    wide = dco.compare(log(), method=method, baseline="a", level=0.99).row("b")
    assert wide["low"] < narrow["low"] and wide["high"] > narrow["high"]


@pytest.mark.parametrize("method", METHODS)
def test_an_arm_without_a_success_has_an_interval_or_a_reason(method):
    columns = log(size=300)
    columns["s"] = [0 if a == "b" else s for a, s in zip(columns["arm"], columns["s"])]
    result = dco.compare(columns, method=method, baseline="a")
    row = result.row("b")
    assert (row.get("low") is not None and np.isfinite(row["high"])) or result.notes


def broken(**changes):
    columns = log(nights=2)
    for name, change in changes.items():
        columns[name] = change(columns[name])
    return columns


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (broken(n=lambda n: [-5, *n[1:]]), r"row 1 \(arm 'a'\), n: expected a count >= 0, got -5"),
        (broken(s=lambda s: [*s[:1], 10**6, *s[2:]]), r"row 2 \(arm 'b'\), s: expected at most"),
        (broken(s=lambda s: ["--", *s[1:]]), r"row 1, s: expected a number, got '--'"),
        (broken(s=lambda s: [None, *s[1:]]), r"row 1, s"),
        (broken(s=lambda s: s[1:]), "expected 6 values"),
        (broken(arm=lambda a: ["a"] * len(a)), "has one arm"),
        (broken(arm=lambda a: [None, *a[1:]]), "row 1, arm: expected a value, got null"),
        (
            broken(n=lambda n: [0, *n[1:3], 0, *n[4:]], s=lambda s: [0, *s[1:3], 0, *s[4:]]),
            "'a' .* has no users",
        ),
        ({"arm": ["a"], "n": [1]}, "column 's'"),
        ({"arm": [], "n": [], "s": []}, "no rows"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_place(method, counts, message):
    with pytest.raises(BadData, match=message):
        dco.compare(counts, method=method, baseline="a")


@pytest.mark.parametrize("method", METHODS)
def test_unknown_names_are_told_with_the_known_ones(method):
    with pytest.raises(UnknownName, match="did you mean"):
        dco.compare(log(), method=method + "s", baseline="a")
    with pytest.raises(UnknownName, match="no option named 'prio'"):
        dco.compare(log(), method=method, baseline="a", prio=1)
    with pytest.raises(BadData, match="no arm 'z'"):
        dco.compare(log(), method=method, baseline="z")
    with pytest.raises(BadData, match="level"):
        dco.compare(log(), method=method, baseline="a", level=95)
