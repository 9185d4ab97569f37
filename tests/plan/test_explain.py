"""Every decision reads as a sentence, and the parts of a number add up to it."""

from __future__ import annotations

import numpy as np
import pytest

from dco.elements.model import FitSettings, fit
from dco.plan import explain
from tests.plan.test_optimizer import arm, plan, table


def many(days: int = 8, seed: int = 3):
    return [arm(i) for i in range(8)], table([arm(i) for i in range(8)], days=days, traffic=2_000, seed=seed)


def test_the_parts_of_a_mean_add_up_to_the_models_mean_on_the_log_scale() -> None:
    arms, history = many()
    known = plan(history, arms).basis.known
    for stages in (("clicks",), ("clicks", "conversions")):
        model = fit(known.history, known.alphabet, FitSettings(stages=stages))
        rows = np.arange(len(known.keys))
        for row in (rows, np.full(len(rows), -1)):
            made = explain.parts(model, 0, known.history.codes, row)
            mean, _ = model.moments(0, known.history.codes, row)
            assert made.total == pytest.approx(mean, abs=1e-12)
            fresh = model.moments(0, known.history.codes, np.full(len(rows), -1))[0]
            by_option = made.base + made.options.sum(axis=1) + made.together
            assert by_option == pytest.approx(fresh, abs=1e-12)
            assert (row >= 0).all() == bool(np.abs(made.own).max() > 0)


def test_option_parts_are_the_effects_that_the_model_states() -> None:
    arms, history = many()
    basis = plan(history, arms).basis
    made = explain.parts(basis.model, 0, basis.known.history.codes, np.full(len(basis.known.keys), -1))
    stated = {(e.attribute, e.option): e.effect_pct for e in basis.model.effects() if e.segment == "a"}
    alphabet = basis.known.alphabet
    for genome, values in zip(basis.known.history.codes, made.options):
        for k, (name, options) in enumerate(zip(alphabet.attributes, alphabet.options)):
            assert 100 * np.expm1(values[k]) == pytest.approx(stated[name, options[genome[k]]])


def test_an_arm_against_the_mix_has_the_joint_posteriors_contrast() -> None:
    rng = np.random.default_rng(0)
    root = rng.standard_normal((4, 4)) * 0.05
    mean, cov, share = rng.standard_normal(4) * 0.2, root @ root.T, np.array([0.4, 0.3, 0.2, 0.1])
    ahead, sd = explain.against_mix(mean, cov, share)
    draws = rng.multivariate_normal(mean, cov, 100_000)
    sampled = draws - np.log((share * np.exp(draws)).sum(axis=1))[:, None]
    assert ahead == pytest.approx(sampled.mean(axis=0), abs=0.005)
    assert sd == pytest.approx(sampled.std(axis=0), rel=0.03)


def test_every_share_and_idea_of_a_plan_has_a_sentence_with_its_numbers() -> None:
    arms, history = many()
    found = plan(history, arms)
    for row in found.shares.to_pylist():
        assert row["why"].startswith(explain.percent(row["share"]))
        assert "best with probability" in row["why"] and "tonight's mix" in row["why"]
    assert found.proposals.num_rows
    for row in found.proposals.to_pylist():
        assert "its best parent" in row["why"] and "beats it with probability" in row["why"]


def test_before_any_click_the_sentence_says_so_and_claims_nothing() -> None:
    for row in plan(None, [arm(i) for i in range(3)]).shares.to_pylist():
        assert "no click has been reported yet" in row["why"] and "earns" not in row["why"]


def test_the_daily_step_and_the_floor_are_named_where_they_bind() -> None:
    arms, history = many()
    rows = plan(history, arms, step=0.02, floor=0.0, holdout=0.0).shares.to_pylist()
    assert any("daily step of 2 %" in r["why"] for r in rows)
    rows = plan(history, arms, step=1.0, floor=0.05, holdout=0.0).shares.to_pylist()
    low = [r for r in rows if 0 < r["share"] <= 0.05 + 1e-6]
    assert low and all("floor of 5 %" in r["why"] for r in low)


@pytest.mark.parametrize(
    ("value", "text"), [(0.41, "41 %"), (0.025, "2.5 %"), (0.02, "2 %"), (-0.08, "\N{MINUS SIGN}8 %"), (-0.0001, "0 %")]
)  # fmt: skip
def test_percentages_are_written_with_the_digits_they_deserve(value: float, text: str) -> None:
    assert explain.percent(value) == text
