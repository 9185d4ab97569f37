"""Off-policy values: against loops written from the papers, against known truths, and on real bandit logs."""

import csv
import gzip
import math

import numpy as np
import pytest
from scipy import stats

from dco.errors import BadData
from dco.stats import off_policy
from dco.stats.betting import lower_bound, value_interval
from dco.stats.off_policy import METHODS, choose_threshold, estimate, estimates, reward_model, rounds

K = 6
RATES = np.array([0.02, 0.03, 0.05, 0.04, 0.02, 0.06])
LOGGED = np.array([0.3, 0.3, 0.2, 0.1, 0.06, 0.04])
TARGET = np.array([0.05, 0.1, 0.15, 0.2, 0.2, 0.3])


def log(n, seed, contexts=1, tilt=0.0):
    """(reward, action, propensity, context) of n rounds; the rates of context 1 differ by `tilt`."""
    draw = np.random.default_rng(seed)
    context = draw.integers(0, contexts, n)
    action = draw.choice(K, n, p=LOGGED)
    rate = RATES[action] * np.where(context == 1, 1 + tilt * np.linspace(-1, 1, K)[action], 1)
    return (draw.random(n) < rate).astype(float), action, LOGGED[action], context


def by_loops(reward, action, propensity, context, target, q, tau):
    """The papers' formulas, one round at a time, summed exactly; (value, se) per method."""
    w = [target[c][a] / p for a, p, c in zip(action, propensity, context)]
    model = [math.fsum(target[c][b] * q[i][b] for b in range(len(target[c]))) for i, c in enumerate(context)]
    residual = [r - q[i][a] for i, (r, a) in enumerate(zip(reward, action))]
    n = len(w)
    terms = {
        "ips": [x * r for x, r in zip(w, reward)],
        "dm": model,
        "dr": [m + x * d for m, x, d in zip(model, w, residual)],
        "switch_dr": [m + (x * d if x <= tau else 0.0) for m, x, d in zip(model, w, residual)],
    }
    out = {}
    for name, t in terms.items():
        mean = math.fsum(t) / n
        out[name] = mean, math.sqrt(math.fsum((x - mean) ** 2 for x in t) / (n - 1) / n)
    value = math.fsum(terms["ips"]) / math.fsum(w)
    spread = math.sqrt(math.fsum(x * x * (r - value) ** 2 for x, r in zip(w, reward)) * n / (n - 1))
    out["snips"] = value, spread / math.fsum(w)
    return out, math.fsum(w) ** 2 / math.fsum(x * x for x in w)


def check_against_loops(columns, target, contexts, folds=3, tau=2.0):
    reward, action, propensity, context = columns
    fold = np.arange(len(reward)) % folds
    table = reward_model(reward, action, target.shape[1], context=context, n_contexts=contexts, fold=fold)
    data = rounds(reward, action, propensity, target, context=context, model=table, fold=fold)
    q = [table[f, c].tolist() for f, c in zip(fold, context)]
    rows = (v.tolist() for v in (reward, action, propensity, context))
    expected, ess = by_loops(*rows, target.tolist(), q, tau)
    for method in METHODS:
        found = estimate(data, method, threshold=tau)
        assert found.value == pytest.approx(expected[method][0], abs=1e-9, rel=1e-9), method
        assert found.se == pytest.approx(expected[method][1], abs=1e-9, rel=1e-9), method
        assert found.ess == pytest.approx(ess, rel=1e-9)


def test_estimates_are_the_papers_formulas():
    check_against_loops(log(3000, 1, 2, 0.5), np.array([TARGET, TARGET[::-1]]), 2)


def read_real(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = lambda name, kind: np.array([kind(r[name]) for r in rows])  # noqa: E731
    return (
        column("click", float),
        column("item_id", int),
        column("propensity_score", float),
        column("position", int) - 1,
    )


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["random", "bts"])
def test_estimates_on_real_bandit_logs_are_the_papers_formulas(real_data, name):
    path = real_data / "obd_women" / f"{name}_women.csv.gz"
    if not path.exists():
        pytest.skip("DCO_REAL_DATA has no obd_women")
    columns = read_real(path)
    assert len(columns[0]) == 10_000 and columns[0].sum() == 46
    check_against_loops(columns, np.full((3, 46), 1 / 46), 3)
    draw = np.random.default_rng(0).dirichlet(np.ones(46), 3)
    check_against_loops(columns, draw, 3, tau=float("inf"))


@pytest.mark.realdata
def test_a_random_log_seen_from_itself_is_its_own_mean(real_data):
    path = real_data / "obd_women" / "random_women.csv.gz"
    if not path.exists():
        pytest.skip("DCO_REAL_DATA has no obd_women")
    reward, action, propensity, _ = read_real(path)
    for method in ("ips", "snips"):
        found = estimate(rounds(reward, action, propensity, np.full(46, 1 / 46)), method)
        assert found.value == pytest.approx(0.0046) and found.ess == pytest.approx(10_000)
        assert found.verdict == "not told apart from the logged policy"


def test_intervals_cover_the_truth_as_often_as_they_say():
    truth, hits, honest = float(TARGET @ RATES), dict.fromkeys(METHODS, 0), 0
    runs = 150
    for seed in range(runs):
        reward, action, propensity, _ = log(3000, seed)
        fold = np.arange(3000) % 4
        table = reward_model(reward, action, K, fold=fold)
        found = estimates(rounds(reward, action, propensity, TARGET, model=table, fold=fold))
        for method, one in found.items():
            hits[method] += one.low <= truth <= one.high
        honest += one.honest_low <= truth <= one.honest_high
    for method in ("ips", "snips", "dr"):
        assert stats.binomtest(hits[method], runs, 0.95).pvalue > 0.002, (method, hits)
    assert hits["switch_dr"] >= 0.92 * runs, hits
    assert honest >= 0.95 * runs


def test_the_honest_interval_holds_at_thirty_rounds_with_great_weights():
    """Where normal intervals fail: one round in a hundred has weight 40, and most logs show none of them."""
    draw, normal, honest, runs = np.random.default_rng(4), 0, 0, 150
    truth = 0.4 * 0.9 + 0.6 * 0.1
    for _ in range(runs):
        rare = draw.random(30) < 0.01
        reward = (draw.random(30) < np.where(rare, 0.9, 0.1)).astype(float)
        data = rounds(reward, rare.astype(int), np.where(rare, 0.01, 0.99), [0.6, 0.4])
        one = estimate(data, "ips")
        normal += one.low <= truth <= one.high
        honest += one.honest_low <= truth <= one.honest_high
    assert normal < 0.5 * runs and honest >= 0.95 * runs


def test_the_honest_interval_narrows_and_holds_at_every_look():
    draw, broken, widths = np.random.default_rng(8), 0, []
    for _ in range(30):
        x = (draw.random(4000) < 0.05).astype(float)
        bounds = [value_interval(x[:n], np.ones(n), 0.9) for n in (50, 200, 800, 2000, 4000)]
        broken += any(not low <= 0.05 <= high for low, high in bounds)
        widths.append([high - low for low, high in bounds])
    assert broken <= 4
    middle = np.median(widths, axis=0)
    assert (np.diff(middle) < 0).all() and middle[-1] < 0.045


def test_a_target_made_from_the_rounds_it_weighs_contradicts_itself_and_is_not_believed():
    """Every round weighs 20: such weights average nothing like 1, and no value is consistent with both bounds."""
    reward = np.array([1.0] * 50 + [0.0] * 950)
    one = estimate(rounds(reward, np.zeros(1000, int), np.full(1000, 0.05), [1.0, 0.0]), "ips")
    assert "rule each other out" in one.verdict and (one.honest_low, one.honest_high) == (0.0, 1.0)


def test_no_reward_says_nothing_below_and_something_above():
    assert lower_bound(np.zeros(10), 0.05) == 0.0
    low, high = value_interval(np.zeros(1000), np.ones(1000), 0.95)
    assert low == 0 and high < 0.02


def test_doubly_robust_needs_only_one_of_its_two_halves():
    reward, action, propensity, _ = log(60_000, 3)
    truth = float(TARGET @ RATES)
    wrong_model = estimate(rounds(reward, action, propensity, TARGET, model=np.full(K, 0.2)), "dr")
    assert abs(wrong_model.value - truth) < 4 * wrong_model.se
    wrong_propensity = estimate(rounds(reward, action, np.full(60_000, 1 / K), TARGET, model=RATES), "dr")
    assert abs(wrong_propensity.value - truth) < 4 * wrong_propensity.se
    plain = estimate(rounds(reward, action, np.full(60_000, 1 / K), TARGET), "ips")
    assert abs(plain.value - truth) > 4 * plain.se


def test_a_good_reward_model_narrows_the_interval_by_doubly_robust():
    reward, action, propensity, _ = log(20_000, 5)
    money = 10 + reward + RATES[action] * 20
    data = rounds(money, action, propensity, TARGET, model=10 + RATES * 21)
    ips, dr = (estimate(data, m, reward_range=(0, 20)) for m in ("ips", "dr"))
    assert dr.se < 0.2 * ips.se
    truth = float(TARGET @ (10 + RATES * 21))
    assert abs(dr.value - truth) < 4 * dr.se


def test_switch_is_dr_without_great_weights_and_the_model_without_any():
    reward, action, propensity, _ = log(2000, 6)
    data = rounds(reward, action, propensity, TARGET, model=RATES)
    dr, dm = estimate(data, "dr"), estimate(data, "dm")
    assert estimate(data, "switch_dr", threshold=float("inf")).value == dr.value
    assert estimate(data, "switch_dr", threshold=0.0).value == pytest.approx(dm.value)


def test_the_threshold_leaves_out_weights_that_only_add_noise():
    """Ten rounds of 20,000 have weight 1000 and the model is right: using them only costs. None of the ten was rewarded, so
    IPS says half of the truth and is sure of it."""
    draw = np.random.default_rng(1)
    logged, target = np.array([0.9995, 0.0005]), np.array([0.5, 0.5])
    action = draw.choice(2, 20_000, p=logged)
    reward = (draw.random(20_000) < 0.004).astype(float)
    data = rounds(reward, action, logged[action], target, model=[0.004, 0.004])
    tau = choose_threshold(data)
    assert tau < 1000
    switch, ips = estimate(data, "switch_dr"), estimate(data, "ips")
    assert switch.threshold == tau and switch.low <= 0.004 <= switch.high
    assert not ips.low <= 0.004 <= ips.high and ips.honest_low <= 0.004 <= ips.honest_high
    assert ips.doubt, "and it is not believed"


def test_below_fifty_effective_rounds_there_is_no_verdict():
    reward, action, propensity, _ = log(400, 2)
    far = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    for one in estimates(rounds(reward, action, propensity, far)).values():
        assert one.ess < 50
        assert one.verdict.startswith("cannot be told from these data: 400 rounds are worth")
        assert np.isfinite([one.value, one.se, one.low, one.high]).all()


def test_a_handful_of_rewards_gives_no_verdict_either():
    reward = np.zeros(5000)
    reward[:2] = 1
    one = estimate(rounds(reward, np.arange(5000) % 2, np.full(5000, 0.5), [0.5, 0.5]), "ips")
    assert one.ess > 50 and "rests on 2.0 rewarded rounds" in one.verdict


@pytest.mark.parametrize(
    "target, words",
    [([0, 0, 0, 0, 0.5, 0.5], "weights average 0.3"), ([0.7, 0.2, 0.1, 0, 0, 0], "rule each other out")],
)
def test_propensities_of_another_log_are_found_out(target, words):
    """The log is LOGGED's and says it were uniform: weights average 0.3 for what it seldom showed, 1.6 for the rest."""
    reward, action, _, _ = log(5000, 2)
    one = estimate(rounds(reward, action, np.full(5000, 1 / K), target), "snips")
    assert words in one.verdict and one.verdict.startswith("cannot be told")


def test_a_clear_gain_and_a_clear_loss_are_called_so():
    reward, action, propensity, _ = log(200_000, 9)
    better, worse = np.array([0, 0, 0.4, 0.2, 0, 0.4]), np.array([0.9, 0, 0, 0, 0.1, 0])
    assert estimate(rounds(reward, action, propensity, better), "snips").verdict.startswith("earns more")
    assert estimate(rounds(reward, action, propensity, worse), "snips").verdict.startswith("earns less")
    model = rounds(reward, action, propensity, better, model=RATES)
    assert "cannot know its own bias" in estimate(model, "dm").verdict


def test_no_round_is_predicted_from_its_own_reward():
    reward, action, _, context = log(500, 0, 2)
    fold = np.arange(500) % 5
    one = reward_model(reward, action, K, context=context, n_contexts=2, fold=fold, spread=0.5)
    changed = reward.copy()
    changed[fold == 3] = 1.0
    two = reward_model(changed, action, K, context=context, n_contexts=2, fold=fold, spread=0.5)
    # The worth of the prior looks at the variance of all rewards; the sums of the fold's own rounds are not in its table.
    kept = np.array([reward[(fold != 3) & (action == a)].mean() for a in range(K)])
    assert np.abs(one[3] - two[3]).max() < np.abs(one[2] - two[2]).max()
    assert np.corrcoef(one[3].mean(axis=0), kept)[0, 1] > 0.9


@pytest.mark.parametrize(
    "change, message",
    [
        ({"propensity": [0.5, 0.0, 0.5]}, r"propensity\[1\]: expected a probability above 0"),
        ({"reward": [1.0, 0.0, float("nan")]}, r"reward\[2\]: expected a finite number"),
        ({"action": [0, 1, 2]}, r"action\[2\]: expected an index from 0 to 1, got 2"),
        ({"target": [0.5, 0.6]}, "target: expected shares"),
        ({"target": [[0.5, 0.5], [0.5, 0.5]]}, "context: expected an index per round"),
        ({"reward": [1.0, 0.0]}, "columns of one length"),
        ({"model": [0.1, 0.2, 0.3]}, "model: expected finite numbers"),
    ],
)
def test_rounds_that_cannot_be_are_refused_by_place(change, message):
    good = {"reward": [1.0, 0.0, 0.0], "action": [0, 1, 1], "propensity": [0.5] * 3, "target": [0.5, 0.5]}
    with pytest.raises(BadData, match=message):
        rounds(**(good | change))


def test_rewards_beyond_their_stated_range_are_refused():
    data = rounds([5.0, 0.0], [0, 1], [0.5, 0.5], [0.5, 0.5])
    with pytest.raises(BadData, match=r"reward\[0\].*give reward_range"):
        estimate(data, "ips")
    assert estimate(data, "ips", reward_range=(0, 10)).honest_high <= 10


def test_a_million_rounds_are_looked_up_and_not_looped_over():
    n = 1_000_000
    reward, action, propensity, _ = log(n, 11)
    assert off_policy.effective_sample_size(rounds(reward, action, propensity, TARGET).weight) > 1000
    assert estimate(rounds(reward, action, propensity, TARGET), "dr").se == pytest.approx(4.2e-4, rel=0.05)
