"""What another split would have earned: against rows written out one by one, and against the campaign's own gain."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadData
from dco.stats.gain import gain_over_control
from dco.stats.mix import mix_value, nights_of_test, nights_to_tell
from dco.stats.off_policy import estimate, rounds
from dco.stats.off_policy_counts import Block


def block(seed: int = 0, *, days: int = 6, arms: int = 3, size: int = 4000, rate: float = 0.03) -> Block:
    """Random days: moving shares, moving rates, another split that knows nothing."""
    rng = np.random.default_rng(seed)
    logged = rng.dirichlet(np.full(arms, 5.0), days)
    n = np.array([rng.multinomial(size, p) for p in logged], float)
    rates = rate * np.exp(rng.normal(0, 0.2, arms) + rng.normal(0, 0.2, (days, 1)))
    y = rng.binomial(n.astype(int), rates).astype(float)
    return Block(np.arange(days), n, y, y, rng.dirichlet(np.full(arms, 5.0), days), logged)


def written_out(b: Block) -> dict[str, np.ndarray]:
    """One row per impression."""
    where = [(t, k) for t in range(len(b.day)) for k in range(b.n.shape[1])]
    row = {"reward": [], "action": [], "propensity": [], "context": []}
    for t, k in where:
        won, shown = int(b.y[t, k]), int(b.n[t, k])
        row["reward"].append(np.repeat([1.0, 0.0], [won, shown - won]))
        for name, value in (("action", k), ("propensity", b.logged[t, k]), ("context", t)):
            row[name].append(np.full(shown, value))
    return {name: np.concatenate(parts) for name, parts in row.items()}


@pytest.mark.parametrize("method", ["ips", "snips"])
def test_weighted_counts_give_what_rows_give(method: str) -> None:
    b = block()
    by_rows = estimate(rounds(target=b.target, **written_out(b)), method)  # type: ignore[arg-type]
    earned = b.y.sum() / b.n.sum()
    assert mix_value([b]).checks[method].value == pytest.approx(by_rows.value / earned - 1, abs=1e-9)


def test_with_delivered_shares_for_propensities_ips_is_the_direct_estimate() -> None:
    b = block()
    b = b._replace(logged=b.n / b.n.sum(axis=1, keepdims=True))
    found = mix_value([b])
    assert found.checks["ips"].value == pytest.approx(found.gain, abs=1e-12)


def test_an_exact_reward_model_makes_the_doubly_robust_estimate_exact_where_rates_never_move() -> None:
    n = np.full((5, 2), 1000.0)
    y = n * [0.02, 0.05]
    target = np.tile([0.2, 0.8], (5, 1))
    b = Block(np.arange(5), n, y, y, target, np.tile([0.4, 0.6], (5, 1)))
    truth = (0.2 * 0.02 + 0.8 * 0.05) / 0.035 - 1
    assert mix_value([b]).gain == pytest.approx(truth, abs=1e-12)
    # The logged shares are wrong here (half was delivered), which IPS believes and DR mostly corrects.
    found = mix_value([b]).checks
    assert abs(found["dr"].value - truth) < 0.5 * abs(found["ips"].value - truth)


def test_the_interval_is_that_of_the_gain_over_a_holdout_that_is_served_the_past() -> None:
    """Half of the traffic on the engine's split, half on the past's: `gain_over_control` then compares the same two."""
    parts = [block(seed) for seed in range(3)]
    rows = []
    for name, b in enumerate(parts):
        delivered = b.n / b.n.sum(axis=1, keepdims=True)
        for t, k in np.ndindex(b.n.shape):
            share = (b.target[t, k] + delivered[t, k]) / 2
            rows.append((str(name), t, str(k), b.n[t, k], b.y[t, k], share, delivered[t, k] / 2))
    names = ("segment", "day", "arm_id", "impressions", "clicks", "share", "control_share")
    gain = gain_over_control(pa.table({k: list(v) for k, v in zip(names, zip(*rows), strict=True)}))
    found = mix_value(parts)
    assert (found.gain, found.low, found.high) == pytest.approx((gain.value, gain.low, gain.high), rel=1e-9)
    assert found.extra_sd == pytest.approx(gain.extra_sd)


@given(st.integers(0, 10_000))
def test_the_split_that_was_served_gains_nothing_and_is_sure_of_it(seed: int) -> None:
    b = block(seed)
    found = mix_value([b._replace(target=b.n / b.n.sum(axis=1, keepdims=True))])
    assert found.gain == pytest.approx(0, abs=1e-9) and found.half == pytest.approx(0, abs=1e-9)
    assert np.allclose([*found.cumulated, *found.cumulated_low, *found.cumulated_high], 0, atol=1e-6)
    assert found.ess == pytest.approx(b.n.sum()) and found.flip == 1.0


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_cumulated_difference_ends_where_the_gain_says(one: int, other: int) -> None:
    found = mix_value([block(one), block(other, days=4)])
    assert found.cumulated[-1] == pytest.approx(found.would - found.earned, abs=1e-6)
    assert found.gain == pytest.approx(found.would / found.earned - 1)
    width = np.subtract(found.cumulated_high, found.cumulated_low)
    assert (np.diff(width) >= -1e-9).all(), "what is not known of one day is not learnt on the next"


def test_a_hidden_difference_of_audiences_as_large_as_told_turns_the_sign() -> None:
    b = block(3)
    delivered = b.n / b.n.sum(axis=1, keepdims=True)
    found = mix_value([b])
    moved = b.n.sum(axis=1, keepdims=True) * (b.target - delivered)
    worse = (
        np.where(moved > 0, 1 / found.flip, found.flip)
        if found.gain > 0
        else np.where(moved > 0, found.flip, 1 / found.flip)
    )
    assert found.flip > 1
    assert float((moved * worse * b.y / b.n).sum()) == pytest.approx(0, abs=1e-6)


def test_a_split_that_was_never_shown_has_no_verdict() -> None:
    b = block()
    n, y = b.n.copy(), b.y.copy()
    n[:, 0] = y[:, 0] = 0
    b = b._replace(n=n, y=y, events=y, target=np.tile([0.5, 0.25, 0.25], (6, 1)))
    found = mix_value([b])
    assert found.support == pytest.approx(0.5) and "50% of its impressions" in found.doubt


def test_fewer_than_fifty_effective_results_have_no_verdict() -> None:
    rich, poor = mix_value([block(size=4000)]), mix_value([block(size=100, rate=0.05)])
    assert not rich.doubt and rich.rewarded > 50
    assert "at least 50 are needed" in poor.doubt and poor.rewarded < 50


def test_an_audience_of_one_ad_lends_no_certainty() -> None:
    """Any split of one ad is the same: its many clicks are none of the evidence."""
    poor = block(size=100, rate=0.05)
    alone = block(1, arms=1, size=500_000)
    both = mix_value([poor, alone])
    assert both.doubt and both.rewarded == pytest.approx(mix_value([poor]).rewarded)
    assert both.cumulated == pytest.approx(mix_value([poor]).cumulated)


def test_one_ad_alone_leaves_nothing_to_split() -> None:
    b = block(arms=1)
    assert "two ads on one day" in mix_value([b]).doubt


def test_money_in_another_unit_gives_the_same_gain() -> None:
    b = block()
    found = [mix_value([b._replace(y=b.y * unit)], money=True) for unit in (1.0, 1e6)]
    # The fit holds half a unit against nothing seen, which is a click's worth in one unit and nothing in the other.
    assert (found[0].gain, found[0].low) == pytest.approx((found[1].gain, found[1].low), abs=1e-4)


def test_a_test_of_the_told_length_has_the_told_power() -> None:
    """Oracle: Poisson counts of two halves, drawn and compared."""
    n = np.full((20, 4), 2500.0)
    y = n * 0.02
    b = Block(np.arange(20), n, y, y, np.full((20, 4), 0.25), np.full((20, 4), 0.25))
    nights = nights_of_test([b], 0.10, 0.5)
    assert nights is not None
    rng, clicks = np.random.default_rng(1), 200 * nights / 2
    a, c = rng.poisson(clicks * 1.10, 20_000), rng.poisson(clicks, 20_000)
    told = np.log(a / c) > 1.959964 * np.sqrt(1 / a + 1 / c)
    # One half gains, so both together have 5 % more than the past: a little more power than the planned 80 %.
    assert 0.79 < told.mean() < 0.84


def test_nights_to_tell_shrink_with_the_square_of_the_gain() -> None:
    found = mix_value([block(8)])
    nights = nights_to_tell(found)
    assert nights is not None
    assert nights == int(np.ceil(6 * (found.half / np.log1p(found.gain)) ** 2))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "at least one day"),
        ([block()._replace(target=np.ones((6, 3)))], "sum to 1"),
        ([block()._replace(n=np.zeros((6, 3)))], "without any"),
    ],
)
def test_what_is_no_split_is_refused(wrong: list[Block], says: str) -> None:
    with pytest.raises(BadData, match=says):
        mix_value(wrong)
