"""The closed-loop study: paired to the bit, resumable, counted by the loop's own accounting, and statistics that agree with
another route; the peers compute what their authors' formulas say."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

from dco import registry
from dco.elements.alphabet import Alphabet
from dco.errors import BadData
from dco.simulate.loop import equal_shares, rows, run
from dco.stats.best import p_best_normal
from experiments.studies.closed_loop import __main__ as command_line
from experiments.studies.closed_loop import report, runner, scores
from experiments.studies.closed_loop.deciders import ENGINE, PEERS, REFRESH, TUNED, decider
from experiments.studies.closed_loop.peers.genetic import Beta, Genetic
from experiments.studies.closed_loop.peers.glm import EbGlm
from experiments.studies.closed_loop.peers.lints import LinTS
from experiments.studies.closed_loop.peers.loop import climb, root, share_of_draws

STUDY = Path(__file__).parents[2] / "experiments" / "studies" / "closed_loop"
SIZE = runner.Size(nights=6, start=6)
MARKETS = ("additive", "null")
NAMES = (ENGINE, *PEERS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Every decider on 2 markets, 6 nights and 2 seeds, without a break."""
    return runner.study(MARKETS, NAMES, 2, SIZE, tmp_path_factory.mktemp("whole"), workers=1)


def test_every_decider_meets_the_same_equal_split_and_oracle(whole):
    assert len(whole) == 2 * 2 * len(NAMES)
    for one in whole:
        twins = [r for r in whole if (r.market, r.seed) == (one.market, one.seed)]
        assert {r.equal for r in twins} == {one.equal} and {r.oracle for r in twins} == {one.oracle}
        assert len(twins) == len(NAMES)
    for split in (r for r in whole if r.decider == "equal split"):
        assert split.value == pytest.approx(split.equal, rel=1e-8) and split.made == (0,)


def test_different_seeds_are_different_markets_and_none_was_tuned_on(whole):
    assert len({(r.market, r.equal) for r in whole}) == 4
    development = range(runner.DEVELOPMENT_SEED, runner.DEVELOPMENT_SEED + 1000)
    assert not {r.seed for r in whole} & set(development)


def test_a_study_that_was_stopped_in_the_middle_of_a_line_ends_as_if_it_never_was(whole, tmp_path):
    runner.study(MARKETS, NAMES, 1, SIZE, tmp_path, workers=1)
    ledger = tmp_path / "runs.csv"
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(lines[:-4]) + lines[-4][:50])
    runner.Ledger(ledger)  # a second start mends it and changes nothing else
    assert len(ledger.read_text().splitlines()) == len(lines) - 4
    again = runner.study(MARKETS, NAMES, 2, SIZE, tmp_path, workers=2)
    assert [replace(r, ms_per_night=0) for r in again] == [replace(r, ms_per_night=0) for r in whole]
    assert len(ledger.read_text().splitlines()) == 1 + len(whole)


def test_a_ledger_of_something_else_is_refused(tmp_path):
    (tmp_path / "runs.csv").write_text("day,clicks\n")
    with pytest.raises(BadData, match="other columns"):
        runner.Ledger(tmp_path / "runs.csv")


def test_the_engine_earns_what_its_shares_earn_at_the_true_rates_less_what_it_made(whole):
    market = registry.load("markets", "additive")(seed=runner.FRESH_SEED)
    decide = decider(ENGINE, market)
    served, born, value = equal_shares(market.starting_pool(SIZE.start)), {}, []
    genes, made = {}, 0

    def book(night):
        """Yesterday's shares at the true rates, each arm as old as the days since its first."""
        nonlocal served, made
        traffic = dict(zip(market.segments, market.daily_impressions))
        earned = 0.0
        for (segment, arm), share in served.items():
            if share > 0:
                age = night.index - born.setdefault((segment, arm), night.index)
                rates = market.rate(segment, genes[segment, arm], night.index, age)
                earned += share * traffic[segment] * market.value(rates, market.kpi)
        found = decide(night)
        genes.update({(a["segment"], a["arm_id"]): a["attributes"] for a in night.live})
        new = len(list(rows(found.proposals)))
        made += new
        value.append(earned - new * market.creation_cost())
        served = {(r["segment"], r["arm_id"]): r["share"] for r in rows(found.shares)}
        return found

    genes.update({(a["segment"], a["arm_id"]): a["attributes"] for a in market.starting_pool(SIZE.start)})
    rng = np.random.default_rng([market.seed, 9])
    run(market, book, SIZE.nights, rng, start_per_segment=SIZE.start, creation_cost=market.creation_cost())
    kept = next(r for r in whole if (r.market, r.seed, r.decider) == ("additive", runner.FRESH_SEED, ENGINE))
    assert kept.value[-1] == pytest.approx(sum(value), rel=1e-8)
    assert kept.made[-1] == made == sum(kept.schedule)


def test_random_refresh_makes_as_many_as_the_engine_night_by_night():
    market = registry.load("markets", "additive")(seed=runner.DEVELOPMENT_SEED)
    wanted = {t: [t % 3, 0, 2] for t in range(SIZE.nights)}
    watched = runner.Watched(decider(REFRESH, market, wanted), market.segments)
    run(market, watched, SIZE.nights, np.random.default_rng(0), start_per_segment=SIZE.start)
    assert watched.made == wanted


def made_up(values, market="m", name="x", equal=100.0, oracle=200.0):
    return {
        s: runner.Run("c", market, name, s, 60, 6, "ctr", 3, (30, 60), (v / 2, v), (equal / 2, equal),
                      (oracle / 2, oracle), (9, 27), 4, 0, 1.0, ())
        for s, v in enumerate(values)
    }  # fmt: skip


def test_paired_differences_and_intervals_agree_with_scipy():
    rng = np.random.default_rng(3)
    ours, theirs, random = rng.normal(150, 9, 12), rng.normal(140, 9, 12), rng.normal(120, 5, 12)
    table = {
        ("m", ENGINE): made_up(ours), ("m", "p"): made_up(theirs), ("m", REFRESH): made_up(random),
    }  # fmt: skip
    found = scores.duel(table, "m", ENGINE, "p", 60, REFRESH)
    paired = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (found.lift.low, found.lift.high) == pytest.approx((paired.low, paired.high))
    over = stats.bootstrap((100 * (ours - theirs) / random,), np.mean, method="basic", rng=0)
    assert found.over_refresh.se == pytest.approx(over.standard_error, rel=0.1)
    assert found.share.mean == pytest.approx(np.mean((ours - 100) / 100) - np.mean((theirs - 100) / 100))
    assert found.won == int(np.sum(ours > theirs)) and found.verdict == "ahead"
    assert scores.duel(table, "m", "p", ENGINE, 60, REFRESH).verdict == "behind"
    assert scores.duel(table, "m", ENGINE, ENGINE, 60, REFRESH).verdict == "tie"
    assert scores.made_late(table["m", ENGINE]).mean == pytest.approx(18 / 30 / 3)


def test_nothing_to_gain_has_no_share_and_is_not_counted_as_a_win():
    table = {
        ("m", ENGINE): made_up([99.0, 99.5], oracle=100.0),
        ("m", "p"): made_up([98.0, 99.9], oracle=100.0),
    }
    assert scores.shares(table["m", ENGINE], 60) is None
    assert scores.duel(table, "m", ENGINE, "p", 60, REFRESH).share is None
    assert scores.lift(table["m", ENGINE], 60).mean == pytest.approx(-0.75)


def test_runs_that_are_not_paired_are_refused(whole):
    other = replace(whole[1], equal=tuple(v + 1e-3 for v in whole[1].equal))
    with pytest.raises(BadData, match="not paired"):
        scores.by_key([whole[0], other])


SEGMENTS = ("a", "b")
SPACE = registry.load("markets", "additive")().space
ALPHABET = Alphabet.of(SEGMENTS, SPACE.attributes)


def pool(n=14, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(len(o), size=n) for o in ALPHABET.options], axis=1)
    shown = rng.integers(500, 9000, n).astype(float)
    return np.arange(n) % 2, codes, shown, rng.binomial(shown.astype(int), 0.012).astype(float)


def test_lints_is_the_ridge_regression_of_its_rewards():
    segment, codes, n, y = pool()
    mind = LinTS(SPACE, SEGMENTS, prior_sd=0.2)
    mind.learn(segment, codes, n, y)
    here = segment == 1
    rate = (y[here].sum() + 1) / (n[here].sum() + 100)
    weight = np.sqrt(n[here] * rate)
    x = ALPHABET.design(codes[here])
    design = np.vstack([x * weight[:, None], np.eye(x.shape[1]) / 0.2])
    reward = np.concatenate([weight * (y[here] / n[here] / rate - 1), np.zeros(x.shape[1])])
    np.testing.assert_allclose(mind.mean[1], np.linalg.lstsq(design, reward)[0], atol=1e-9)
    np.testing.assert_allclose(
        mind.spread[1] @ mind.spread[1].T, np.linalg.inv(design.T @ design), atol=1e-10
    )


def test_the_glm_stands_at_the_mode_of_its_posterior_and_its_prior_at_the_evidence():
    segment, codes, n, y = pool(40)
    mind = EbGlm(SPACE, SEGMENTS)
    for _ in range(200):
        mind.learn(segment, codes, n, y)
    width = ALPHABET.width
    x = ALPHABET.design(codes)
    phi = np.hstack([x, x * (segment == 0)[:, None], x * (segment == 1)[:, None]])
    base = n * (y.sum() + 1) / (n.sum() + 100)

    def loss(w):
        eta = phi @ w
        return float((base * np.exp(eta) - y * eta).sum() + mind.alpha * w @ w / 2)

    best = optimize.minimize(loss, np.zeros(3 * width), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(mind.w, best.x, atol=2e-3)
    spread = mind.own[1][1]
    both = np.hstack([np.eye(width), np.zeros((width, width)), np.eye(width)])
    np.testing.assert_allclose(spread @ spread.T, both @ mind.cov @ both.T, atol=1e-8)


def test_the_genetic_loop_inherits_from_what_is_live_and_prefers_the_fit():
    segment, codes, n, y = pool(20)
    mind = Genetic(ALPHABET, prior_clicks=2.0, tournament=3, mutation=0.0)
    mind.learn(segment, codes, n, y)
    arms, rng = np.flatnonzero(segment == 0), np.random.default_rng(1)
    children = np.array([mind.breed(0, arms, rng) for _ in range(400)])
    for a in range(codes.shape[1]):
        assert set(children[:, a]) <= set(codes[arms, a])
    near = (children[:, None, :] == codes[arms][None]).mean(axis=(0, 2))
    fitness = mind.worth(0, arms)
    assert stats.spearmanr(near, fitness).statistic > 0.3
    mutants = Genetic(ALPHABET, mutation=1.0)
    mutants.learn(segment, codes, n, y)
    seen = np.array([mutants.breed(0, arms[:1], rng) for _ in range(300)])
    assert all(len(set(seen[:, a])) == len(o) for a, o in enumerate(ALPHABET.options))


def test_a_new_arm_of_the_beta_loop_stands_at_its_segment_s_rate():
    mind = Beta(prior_clicks=4.0)
    mind.learn(
        np.zeros(3, int), np.zeros((3, 1), int), np.array([1e5, 1e5, 0.0]), np.array([900.0, 1100.0, 0.0])
    )
    assert mind.worth(0, np.array([2]))[0] == pytest.approx(0.01, rel=0.01)


def test_shares_of_draws_are_the_chances_of_being_best():
    mean, sd = np.array([0.0, 0.3, 0.1, -0.2]), np.array([0.2, 0.1, 0.4, 0.3])
    found = share_of_draws(mean, root(np.diag(sd**2)), 40_000, np.random.default_rng(0))
    np.testing.assert_allclose(found, p_best_normal(mean, sd), atol=0.012)


def test_climbing_finds_the_best_idea_of_additive_weights():
    weights = np.random.default_rng(5).standard_normal(ALPHABET.width)
    top = climb(SPACE, ALPHABET, weights, np.zeros(len(ALPHABET.options), int))
    best = tuple(int(np.argmax(weights[s : s + len(o)])) for s, o in zip(ALPHABET.starts, ALPHABET.options))
    assert top == best


def test_every_peer_has_tuned_values_that_its_loop_takes():
    market = registry.load("markets", "additive")(seed=runner.DEVELOPMENT_SEED)
    for name in TUNED:
        assert callable(decider(name, market, {}))


def test_the_report_names_its_command_and_states_ties_and_nothing_to_gain(whole, tmp_path):
    text = report.write(report.of(whole, command_line.command(["--seeds", "2", "--out", "x"])), tmp_path)
    assert "`dco study closed_loop -- --seeds 2`" in text and "nothing to gain" in text
    assert re.search(r"\| additive \| \**genetic\**.*\| (ahead|tie|behind) \|", text)
    assert (tmp_path / "shares.svg").read_text().startswith("<svg")
    assert text.count("\n| null |") == len(PEERS)


def test_the_committed_tables_are_what_the_committed_runs_say():
    for folder in sorted((STUDY / "results").iterdir()):
        written = (folder / "RESULTS.md").read_text()
        asked = re.search(r"Written by `(.*?)`", written).group(1)
        notes = [line for line in written.splitlines() if line.startswith("Not run")]
        runs = runner.Ledger(folder / "runs.csv").read()
        order = {name: i for i, name in enumerate(dict.fromkeys(r.decider for r in runs))}
        markets = [c.strip() for c in re.search(r"\| decider \| (.*) \|", written).group(1).split("|")]
        runs.sort(key=lambda r: (markets.index(r.market), r.seed, order[r.decider]))
        assert report.markdown(report.of(runs, asked, notes)) == written
