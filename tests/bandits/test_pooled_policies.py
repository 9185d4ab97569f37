"""Linear, logistic and contextual Thompson sampling against oracles by other routes."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from dco.bandits import pooled
from dco.bandits.beliefs import Features, Prior, drop_arms, indicators, warm_start
from dco.bandits.correlated import chances
from dco.bandits.policies.contextual_thompson import Policy as Contextual
from dco.bandits.policies.lin_thompson import Policy as Lin
from dco.bandits.policies.logistic_thompson import Policy as Logistic
from dco.errors import BadData

X = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0.0]])
S, N = np.array([40, 22, 30, 12, 35.0]), np.array([2000, 1500, 1800, 1000, 2100.0])


def covariance(levels):
    inverse = np.linalg.inv(levels.root @ levels.root.T)
    return levels.loading @ inverse @ levels.loading.T + np.diag(levels.noise**2)


def joint_hessian(x, arm_sd, weight):
    """Precision of (w, a) written out in full."""
    k, f = x.shape
    z = np.hstack([x, np.eye(k)])
    prior = np.diag(np.concatenate([np.ones(f), 1 / arm_sd**2]))
    return prior + z.T @ np.diag(weight) @ z, z


def test_an_untrained_weight_has_its_prior_s_sd():
    """The inverse and not the matrix: at ridge 100 a weight's sd is 0.10, not 10."""
    policy = Lin(option_sd=0.1, arm_sd=0.0, base_sd=1.0)
    levels = policy.levels(policy.init(2, None, Features([[1.0, 0.0], [0.0, 1.0]])))
    gap = covariance(levels)[0, 0] + covariance(levels)[1, 1] - 2 * covariance(levels)[0, 1]
    assert gap == pytest.approx(2 * 0.1**2)
    logistic = Logistic(option_sd=0.1, arm_sd=0.0)
    c = covariance(logistic.levels(logistic.init(2, None, Features([[1.0, 0.0], [0.0, 1.0]]))))
    assert c[0, 0] + c[1, 1] - 2 * c[0, 1] == pytest.approx(2 * 0.1**2)


def test_the_linear_posterior_is_that_of_a_gaussian_written_in_full():
    policy = Lin()
    state = policy.update(policy.init(5, None, Features(X)), S, N)
    m = (S.sum() + 1) / (N.sum() + 100)
    precision, observed = N * m / (1 - m), S / N / m
    k = 1.0**2 + 0.15**2 * X @ X.T + 0.1**2 * np.eye(5)
    noise = np.diag(1 / precision)
    gain = k @ np.linalg.inv(k + noise)
    levels = policy.levels(state)
    assert levels.mean == pytest.approx(1 + gain @ (observed - 1), abs=1e-9)
    assert covariance(levels) == pytest.approx(k - gain @ k, abs=1e-9)
    assert levels.sd() == pytest.approx(np.sqrt(np.diag(k - gain @ k)))


@pytest.mark.parametrize("kind", ["binomial", "poisson"])
def test_newton_finds_the_mode_and_laplace_its_curvature(kind):
    design = np.hstack([np.full((5, 1), 2.0), 0.15 * X])
    arm_sd, offset = np.array([0.1, 0.1, 0.2, 0.1, 0.3]), np.full(5, -4.0)
    likelihood = getattr(pooled, kind)(S, N)
    levels = pooled.fit(pooled.Model(offset, design, arm_sd), likelihood)

    def loss(u):
        t = offset + design @ u[:5] + u[5:]
        log_p = S * t - N * (np.exp(t) if kind == "poisson" else np.log1p(np.exp(t)))
        return -log_p.sum() + (u[:5] ** 2).sum() / 2 + (u[5:] ** 2 / arm_sd**2).sum() / 2

    found = optimize.minimize(loss, np.zeros(10), method="BFGS", options={"gtol": 1e-6})
    t = offset + design @ found.x[:5] + found.x[5:]
    assert levels.mean == pytest.approx(t, abs=1e-4)
    mean = np.exp(levels.mean) if kind == "poisson" else special.expit(levels.mean)
    weight = N * mean * (1 if kind == "poisson" else 1 - mean)
    hessian, z = joint_hessian(design, arm_sd, weight)
    assert covariance(levels) == pytest.approx(z @ np.linalg.inv(hessian) @ z.T, rel=1e-6)


@pytest.mark.parametrize("s", [np.zeros(5), N])
def test_one_class_data_have_a_finite_posterior(s):
    policy = Logistic()
    state = policy.update(policy.init(5, None, Features(X)), s, N)
    mean, low, high = policy.posterior(state)
    assert np.isfinite([mean, low, high]).all() and (low < mean).all() and (mean < high).all()
    assert ((mean < 0.002) if not s.any() else (mean > 0.99)).all()
    assert policy.allocate(state, np.random.default_rng(0)).max() < 0.5, "nothing has told the arms apart"


@pytest.mark.parametrize("policy", [Lin(), Logistic(), Logistic(trials=False), Contextual(), Lin(arm_sd=0.0)])
def test_chances_are_those_of_plain_draws_within_the_stated_error(policy):
    state = policy.update(policy.init(5, None, Features(X)), S, N)
    found = policy.chances(state, np.random.default_rng(1))
    levels = policy.levels(state)
    draws = np.random.default_rng(2).multivariate_normal(
        levels.mean, covariance(levels), 100_000, method="svd"
    )
    top = draws >= draws.max(axis=1, keepdims=True) - 1e-9
    plain = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    assert found.drawn and (found.error > 0).any() and found.error.max() < 0.03
    assert (np.abs(found.p - plain) < 4.5 * np.hypot(found.error, 0.0016) + 2e-3).all()


def test_the_stated_error_is_the_spread_over_seeds():
    policy = Logistic(draws=128)
    state = policy.update(policy.init(5, None, Features(X)), S, N)
    runs = [policy.chances(state, np.random.default_rng(seed)) for seed in range(60)]
    spread = np.std([r.p for r in runs], axis=0, ddof=1)
    stated = np.mean([r.error for r in runs], axis=0)
    assert (np.abs(np.log(spread / stated)) < 0.45).all()


def test_without_features_the_chances_need_no_draws():
    policy = Logistic()
    state = policy.update(policy.init(4), S[:4], N[:4])
    one, two = (policy.chances(state, np.random.default_rng(seed)) for seed in (1, 2))
    assert not one.drawn and (one.p == two.p).all()
    levels = policy.levels(state)
    draws = np.random.default_rng(3).multivariate_normal(levels.mean, covariance(levels), 200_000)
    plain = np.bincount(draws.argmax(axis=1), minlength=4) / len(draws)
    assert one.p == pytest.approx(plain, abs=5e-3)


def test_arms_of_like_options_teach_each_other_and_dropped_ones_go_on():
    """Arm 4, never served, has the options that won: it is preferred to arm 5, whose options lost."""
    x = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1.0]])
    s, n = np.array([300, 310, 200, 190, 0, 0.0]), np.array([10_000] * 4 + [0, 0.0])
    for policy in (Lin(), Logistic(), Contextual()):
        state = policy.update(policy.init(6, None, Features(x)), s, n)
        shares = policy.allocate(state, np.random.default_rng(0))
        assert shares[4] > 5 * shares[5]
        left = policy.allocate(drop_arms(state, [0, 1, 2, 3]), np.random.default_rng(0))
        assert left[4] > 0.85 and left[:4].sum() == 0


def test_a_prior_s_mean_and_sd_are_kept_while_features_correlate():
    policy = Logistic(trials=False)
    prior = Prior(np.log([0.02, 0.01, 0.03, 0.02, 0.01]), np.array([0.1, 0.2, 0.1, 0.3, 0.2]))
    levels = policy.levels(policy.init(5, prior, Features(X)))
    assert levels.mean == pytest.approx(prior.log_mean)
    c = covariance(levels)
    assert np.sqrt(np.diag(c)) == pytest.approx(prior.log_sd)
    assert c[0, 4] > 0, "arms 0 and 4 have the same options"


def test_a_new_arm_of_another_campaign_starts_from_what_its_options_earned():
    x = indicators([{"scene": "beach", "tone": "warm"}, {"scene": "city", "tone": "warm"}])
    assert x.tolist() == [[1, 0, 1], [0, 1, 1]]
    policy = Logistic()
    state = policy.update(policy.init(2, None, Features(x)), [400, 200], [10_000, 10_000])
    prior = warm_start(policy, state, 2, Features(x))
    rates = np.exp(np.asarray(prior.log_mean) + np.asarray(prior.log_sd) ** 2 / 2)
    assert rates[0] > 1.2 * rates[1]


def test_segments_teach_each_other_and_may_differ():
    """Option 0 wins in segments 0 and 1; segment 2 has no data and follows them; segment 3 has its own and contradicts."""
    x = np.tile([[1, 0], [0, 1.0]], (4, 1))
    segment = np.repeat(np.arange(4), 2)
    n = np.array([20_000, 20_000, 20_000, 20_000, 0, 0, 60_000, 60_000.0])
    s = np.array([600, 400, 500, 330, 0, 0, 1000, 1900.0])
    policy = Contextual(context_sd=0.15)
    state = policy.update(policy.init(8, None, Features(x, segment)), s, n)
    shares = policy.allocate(state, np.random.default_rng(0)).reshape(4, 2)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[0, 0] > 0.9 and shares[1, 0] > 0.9 and shares[3, 1] > 0.98
    assert 0.5 < shares[2, 0] < 0.9
    rigid = Contextual(context_sd=0.0, arm_sd=0.01)
    same = rigid.allocate(
        rigid.update(rigid.init(8, None, Features(x, segment)), s, n), np.random.default_rng(0)
    )
    assert np.ptp(same.reshape(4, 2)[:, 0]) < 0.5, "complete pooling believes in one order for all"


def test_context_carries_over_to_segments_that_are_alike():
    """Young segments (context 1) like option 0, old ones (context -1) option 1; an unseen young one follows its kind."""
    x = np.tile([[1, 0], [0, 1.0]], (5, 1))
    segment, context = np.repeat(np.arange(5), 2), np.array([[1], [1], [-1], [-1], [1.0]])
    n = np.array([20_000] * 8 + [0, 0.0])
    s = np.array([600, 400, 500, 330, 400, 600, 330, 500, 0, 0.0])
    policy = Contextual()
    state = policy.update(policy.init(10, None, Features(x, segment, context)), s, n)
    shares = policy.allocate(state, np.random.default_rng(0)).reshape(5, 2)
    assert shares[4, 0] > 0.75


def test_posterior_intervals_cover_the_truth_of_the_prior():
    """Rates drawn from the model itself: the 90 % interval holds 90 % of them."""
    draw = np.random.default_rng(5)
    policy, inside = Logistic(trials=False, base_log_sd=0.5), []
    for _ in range(60):
        t = np.log(0.01) + draw.normal(0, 0.5) + X @ draw.normal(0, 0.15, 4) + draw.normal(0, 0.1, 5)
        n = draw.integers(500, 30_000, 5).astype(float)
        state = policy.update(
            policy.init(5, None, Features(X)), np.minimum(draw.poisson(n * np.exp(t)), n), n
        )
        _, low, high = policy.posterior(state)
        inside += list((low <= np.exp(t)) & (np.exp(t) <= high))
    assert stats.binomtest(int(np.sum(inside)), len(inside), 0.9).pvalue > 0.001


def test_a_thousand_arms_are_shared_in_weight_space():
    draw = np.random.default_rng(0)
    x = np.eye(8)[draw.integers(0, 8, (1500, 5))].reshape(1500, 40)
    policy = Logistic(draws=32)
    n = np.full(1500, 3000.0)
    s = draw.binomial(3000, 0.01 * np.exp(x @ draw.normal(0, 0.15, 40))).astype(float)
    found = policy.chances(policy.update(policy.init(1500, None, Features(x)), s, n), draw)
    assert found.p.sum() == pytest.approx(1) and np.isfinite(found.error).all()


def test_a_prior_of_the_wrong_length_is_refused():
    with pytest.raises(BadData, match="prior: expected one number, or one per arm"):
        Lin().init(3, Prior([0.0, 1.0], [1.0, 1.0]))


def test_chances_of_one_arm_are_certain():
    levels = pooled.Levels(np.zeros(1), np.zeros((1, 0)), np.zeros((0, 0)), np.ones(1), np.zeros(0))
    assert chances(levels, np.random.default_rng(0), 8).p.tolist() == [1.0]
