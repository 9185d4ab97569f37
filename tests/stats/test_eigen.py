"""Eigenvalues where LAPACK's divide and conquer gives up, and roots."""

import numpy as np
import pytest

from dco.stats.eigen import eigh, symmetric_root

COV = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]])


def test_a_failure_of_divide_and_conquer_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = eigh(COV)

    def gives_up(matrix: np.ndarray) -> None:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(np.linalg, "eigh", gives_up)
    value, vector = eigh(COV)
    assert value == pytest.approx(usual[0], rel=1e-12)
    assert (vector * value) @ vector.T == pytest.approx(COV, abs=1e-12)


def test_the_root_is_symmetric_and_squares_to_the_matrix_singular_or_not() -> None:
    for cov in (COV, np.ones((4, 4)), np.zeros((2, 2))):
        root = symmetric_root(cov)
        assert root == pytest.approx(root.T, abs=1e-12)
        assert root @ root == pytest.approx(cov, abs=1e-7)
