"""The block solution against the same model written as one big Gaussian in data space."""

from __future__ import annotations

import numpy as np
import pytest

from dco.elements.alphabet import Alphabet
from dco.elements.gaussian import Design, Variances, learn_variances, solve

ALPHABET = Alphabet.of(("a", "b", "c"), {"scene": ("x", "y", "z"), "light": ("l", "m")})


def problem(seed: int, n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, 3, n), rng.integers(0, 2, n)], axis=1)
    segment = rng.integers(0, 3, n)
    return ALPHABET.design(codes), segment, rng.standard_normal(n) * 0.3, rng.uniform(0.01, 0.2, n)


def kernel(x: np.ndarray, segment: np.ndarray, v: Variances) -> np.ndarray:
    same = segment[:, None] == segment[None, :]
    width = x.shape[1]
    return (x * v.common(width)) @ x.T + same * ((x * v.deviation(width)) @ x.T)


@pytest.mark.parametrize("seed", range(3))
def test_blocks_equal_the_gaussian_process_over_segment_and_genome(seed: int) -> None:
    x, segment, r, noise = problem(seed)
    v = Variances(0.05, 0.02, 0.03)
    found = solve(Design.of(x, segment, 3), r, noise, v)
    k = kernel(x, segment, v)
    whole = k + np.diag(noise + v.arm)
    mean = k @ np.linalg.solve(whole, r)
    cov = k - k @ np.linalg.solve(whole, k)
    fitted = np.einsum("ij,ij->i", x, found.mean[segment])
    var = np.einsum("ij,ijk,ik->i", x, found.cov[segment], x)
    np.testing.assert_allclose(fitted, mean, atol=1e-9)
    np.testing.assert_allclose(var, np.diag(cov), atol=1e-9)


def test_evidence_differences_equal_those_of_the_marginal_normal() -> None:
    x, segment, r, noise = problem(5)
    first, second = Variances(0.05, 0.02, 0.03), Variances(0.2, 0.001, 0.01)

    def marginal(v: Variances) -> float:
        whole = kernel(x, segment, v) + np.diag(noise + v.arm)
        return -0.5 * (np.linalg.slogdet(whole)[1] + r @ np.linalg.solve(whole, r))

    design = Design.of(x, segment, 3)
    ours = solve(design, r, noise, first).evidence - solve(design, r, noise, second).evidence
    assert ours == pytest.approx(marginal(first) - marginal(second), abs=1e-8)


def test_variances_move_towards_what_made_the_data() -> None:
    rng = np.random.default_rng(1)
    alphabet = Alphabet.of(("a",), {f"attribute {i}": tuple("abcdefgh") for i in range(4)})
    codes = rng.integers(0, 8, (400, 4))
    x = alphabet.design(codes)
    weights = np.concatenate([[0.0], rng.standard_normal(32) * 0.4])
    noise = np.full(400, 0.01)
    usual = Variances(0.008, 0.003, 0.01)
    r = x @ weights + rng.standard_normal(400) * 0.1
    design = Design.of(x, np.zeros(400, dtype=int), 1)
    learnt = learn_variances(design, r, noise, usual, usual)
    assert learnt.shared + learnt.own == pytest.approx(0.16, rel=0.8)
    assert learnt.arm < 0.005
    flat = learn_variances(design, rng.standard_normal(400) * 0.1, noise, usual, usual)
    assert flat.shared < 0.003 and flat.arm < 0.005
