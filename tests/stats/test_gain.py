"""Gain over control: against the definition by hand, and what it refuses."""

import numpy as np
import pyarrow as pa
import pytest

from dco.errors import BadData
from dco.stats.gain import gain_over_control


def days(rates, shares, control, size=100_000, nights=6, segments=("s",), seed=None):
    """Arm-days of a steady allocation; without a seed the counts are exactly what is expected."""
    rng, rows = np.random.default_rng(seed), []
    for segment in segments:
        for day in range(nights):
            for k, rate in enumerate(rates):
                n = int(size * shares[k])
                s = rng.binomial(n, rate) if seed is not None else n * rate
                rows.append((segment, day, f"a{k}", n, s, shares[k], control[k], s * 1e6, s / 10))
    names = (
        "segment",
        "day",
        "arm_id",
        "impressions",
        "clicks",
        "share",
        "control_share",
        "revenue_micros",
        "conversions",
    )
    return pa.table({k: list(v) for k, v in zip(names, zip(*rows), strict=True)})


def test_without_noise_the_gain_is_its_definition():
    shares, control = [0.05 + 0.09, 0.05 + 0.27, 0.54], [0.05, 0.05, 0.0]
    gain = gain_over_control(days([0.01, 0.02, 0.03], shares, control))
    engine = (0.09 * 0.01 + 0.27 * 0.02 + 0.54 * 0.03) / 0.9
    assert gain.engine_rate == pytest.approx(engine)
    assert gain.control_rate == pytest.approx(0.015)
    assert gain.value == pytest.approx(engine / 0.015 - 1)
    assert gain.low < gain.value < gain.high and gain.batches == 6


@pytest.mark.parametrize("measure", ["clicks", "conversions", "revenue_micros"])
def test_every_measure_gives_the_same_gain_where_money_follows_clicks(measure):
    table = days([0.01, 0.03], [0.2, 0.8], [0.05, 0.05], seed=1)
    gain = gain_over_control(table, measure=measure)
    assert gain.value == pytest.approx(gain_over_control(table).value)
    assert gain.low < gain.value < gain.high
    assert measure in repr(gain)


def test_an_engine_that_does_what_the_control_does_has_gained_exactly_nothing():
    gain = gain_over_control(days([0.01, 0.03], [0.5, 0.5], [0.05, 0.05], seed=2))
    assert (gain.value, gain.low, gain.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_shared_ads_make_the_interval_narrower_than_two_separate_samples_would():
    """The reference: a delta interval that counts both parts' impressions as if they were different people's."""
    table = days([0.02, 0.02], [0.55, 0.45], [0.05, 0.05], seed=3)
    gain = gain_over_control(table)
    n, s = np.sum(table["impressions"].to_pylist()), np.sum(table["clicks"].to_pylist())
    separate = 2 * 1.96 * np.sqrt((1 / (0.9 * s) + 1 / (0.1 * s)) * (1 - s / n))
    assert gain.high - gain.low < separate / 2


def edit(**columns):
    table = days([0.01, 0.03], [0.2, 0.8], [0.05, 0.05], seed=1)
    for name, change in columns.items():
        values = table[name].to_pylist()
        table = table.set_column(table.column_names.index(name), name, pa.array(change(values)))
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (edit(share=lambda v: [0.3, *v[1:]]), "segment 's', day 0: expected shares that sum to 1, got 1.1"),
        (edit(control_share=lambda v: [0.0] * len(v)), "expected a holdout between 0 and 1, got 0"),
        (edit(control_share=lambda v: [0.3, *v[1:]]), "owes the holdout more"),
        (
            edit(clicks=lambda v: [-1, *v[1:]]),
            "clicks: segment 's', day 0, arm 'a0': expected a number >= 0, got -1",
        ),
        (edit(share=lambda v: [None, *v[1:]]), "share: segment 's', day 0, arm 'a0'.* got None"),
        (edit(clicks=lambda v: [10**9, *v[1:]]), "more clicks than impressions"),
        (edit(clicks=lambda v: [0] * len(v)), "got none in one of them"),
        (edit().drop_columns(["control_share"]), "missing: control_share"),
        (edit().slice(0, 0), "got none"),
    ],
)
def test_days_that_cannot_be_used_are_refused_by_place(table, message):
    with pytest.raises(BadData, match=message):
        gain_over_control(table)
