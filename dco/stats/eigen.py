"""Eigenvalues of symmetric matrices that do not fail on a sound one.

LAPACK's divide and conquer (numpy's choice) fails to converge on a sound matrix once in some hundred thousand, and the same
matrix passes in another process; its QR iteration is slower and then finds them. A night has nobody to try again.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def eigh(matrix: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues float[n] in rising order and eigenvectors float[n, n] (columns) of a symmetric matrix."""
    try:
        value, vector = np.linalg.eigh(matrix)
    except np.linalg.LinAlgError:
        value, vector = scipy.linalg.eigh(matrix, driver="ev")
    return np.asarray(value), np.asarray(vector)


def symmetric_root(cov: Floats) -> Floats:
    """R with R R = cov, float[n, n]; also where cov is singular.

    Unlike eigenvectors, whose signs and order within ties are rounding's, it is unique: the same generator gives the same
    draws on every machine.
    """
    value, vector = eigh(cov)
    return np.asarray((vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T)
