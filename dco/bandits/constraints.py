"""What every night's shares must satisfy: the floor, the holdout, the largest step. Shares are float64[arm], sum 1.

A share is the fraction of a segment's impressions an arm is to get. It has two parts: `control_share`, owed to the
holdout (an equal split of the starting arms, untouched by learning), and the rest, decided by the policy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOLERANCE = 1e-9
"""What rounding may move a share by; far below one impression in a million."""


def with_floor(w: ArrayLike, floor: float) -> Floats:
    """p = f + (1 - K f) w: every arm keeps at least `floor`, and the order and ratios of the rest are kept.

    Additive and not clip-and-renormalise, which takes from the leader alone (GrowthBook PR #6145).

    Args:
        w: float[arm], >= 0, summing to 1.
        floor: least share of an arm, 0 <= floor <= 1 / K.

    Raises:
        BadData: when K * floor > 1; the message names the largest K that this floor allows.
    """
    w = _shares(w, "w")
    k = len(w)
    if not 0 <= floor <= 1:
        raise BadData(f"floor: expected a share between 0 and 1, got {floor!r}")
    if k * floor > 1 + TOLERANCE:
        raise BadData(
            f"floor: {k} arms cannot all have a share of at least {floor!r}; at most {int(1 / floor + TOLERANCE)} "
            f"arms can be live with this floor (or lower it to {1 / k:.4g})"
        )
    return floor + max(1 - k * floor, 0.0) * w


def with_holdout(w: ArrayLike, control_mask: ArrayLike, holdout: float) -> tuple[Floats, Floats]:
    """Adds the holdout: returns (share[arm], control_share[arm]), share = (1 - holdout) w + control_share.

    Args:
        w: float[arm], the optimised split, summing to 1.
        control_mask: bool[arm], the starting arms; they share the holdout equally.
        holdout: fraction of impressions kept for the control, 0 <= holdout < 1.
    """
    w = _shares(w, "w")
    mask = np.asarray(control_mask, bool)
    if mask.shape != w.shape:
        raise BadData(f"control_mask: expected one truth value per arm ({len(w)}), got shape {mask.shape}")
    if not 0 <= holdout < 1:
        raise BadData(f"holdout: expected a share of at least 0 and below 1, got {holdout!r}")
    if holdout > 0 and not mask.any():
        raise BadData(
            f"holdout: {holdout:.3g} of the impressions is owed to the starting arms, but none of the {len(w)} arms is one; "
            "keep a starting arm live or set holdout to 0"
        )
    control = holdout * mask / max(int(mask.sum()), 1)
    return (1 - holdout) * w + control, control


def limit_step(previous: ArrayLike, target: ArrayLike, step: float, lower: ArrayLike = 0.0) -> Floats:
    """The shares nearest to `target` (least squares, exact) that move no arm by more than `step` and sum to 1.

    Args:
        previous: float[arm], shares served until now; a new arm has 0. All zero: a first night, nothing limits it.
            If they do not sum to 1 (an arm can no longer be served), they are scaled up first: such traffic must
            move whatever the step.
        target: float[arm], shares wanted, summing to 1; an arm being retired has 0 and goes there by `step` a night.
        step: the largest change of one share in one night, > 0.
        lower: float or float[arm], least share per arm (floor and control share); 0 for arms being retired. Where the
            step leaves no room for all of it, `reachable_lower` of it is kept: the step is the stronger promise.

    Returns:
        float64[arm], summing to 1.
    """
    goal = _shares(target, "target")
    start = _previous(previous, len(goal))
    if not step > 0:
        raise BadData(f"step: expected a share above 0, got {step!r}")
    if start is None:
        return goal
    low = reachable_lower(start, step, lower)
    high = np.minimum(start + step, 1.0)
    return _project(goal, low, np.maximum(high, low))


def reachable_lower(previous: ArrayLike, step: float, lower: ArrayLike) -> Floats:
    """The least shares, float64[arm], that one step from `previous` can keep: `lower` itself wherever possible.

    When many arms arrive at once, the arms that must give way can give only `step` each; then all of `lower` is scaled
    by the largest common factor for which shares exist. Never below `previous - step`.
    """
    prev = np.asarray(previous, float)
    want = np.broadcast_to(np.asarray(lower, float), prev.shape)
    start = _previous(prev, len(prev))
    if start is None:
        return np.array(want)
    floor_of_step = np.maximum(start - step, 0.0)

    def low(factor: float) -> Floats:
        return np.maximum(floor_of_step, np.minimum(factor * want, start + step))

    if low(1.0).sum() <= 1 + TOLERANCE:
        return low(1.0)
    good, bad = 0.0, 1.0
    for _ in range(60):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if low(middle).sum() <= 1 else (good, middle)
    return low(good)


def check(
    shares: ArrayLike,
    *,
    floor: float = 0.0,
    holdout: float = 0.0,
    control_share: ArrayLike | None = None,
    retired: ArrayLike | None = None,
    previous: ArrayLike | None = None,
    step: float | None = None,
    arms: Sequence[str] | None = None,
) -> None:
    """The proof at publish: raises BadData naming the first promise these shares break, else returns nothing.

    Args:
        shares: float[arm]; must be finite, >= 0 and sum to 1.
        floor: least share of a live arm within the optimised part, so (1 - holdout) * floor of all impressions.
        holdout, control_share: the control parts must be equal over their arms, sum to `holdout`, and fit in the shares.
        retired: bool[arm], arms on their way out; they owe no floor.
        previous, step: no share may have moved by more than `step`; a first night (all zero) may. A floor that the
            step put out of reach is owed only as far as `reachable_lower` says.
        arms: names for the messages.
    """
    s = _shares(shares, "shares")
    names = list(arms) if arms is not None else [f"arm {k}" for k in range(len(s))]
    control = np.zeros(len(s)) if control_share is None else np.asarray(control_share, float)
    _check_control(control, holdout, s, names)
    out = np.zeros(len(s), bool) if retired is None else np.asarray(retired, bool)
    lower = np.where(out, 0.0, (1 - holdout) * floor + control)
    if previous is not None and step is not None:
        start = _previous(previous, len(s))
        if start is not None:
            moved = np.abs(s - start) - step
            _refuse(
                moved > TOLERANCE,
                names,
                lambda k: f"moves from {start[k]:.6g} to {s[k]:.6g}, more than {step}",
            )
            lower = np.minimum(lower, reachable_lower(start, step, lower))
    _refuse(
        s < lower - TOLERANCE, names, lambda k: f"has share {s[k]:.6g}, below its least share {lower[k]:.6g}"
    )


def _check_control(control: Floats, holdout: float, shares: Floats, names: list[str]) -> None:
    if control.shape != shares.shape:
        raise BadData(
            f"control_share: expected one number per arm ({len(shares)}), got shape {control.shape}"
        )
    if abs(control.sum() - holdout) > TOLERANCE:
        raise BadData(f"control_share: expected to sum to the holdout {holdout:.6g}, got {control.sum():.6g}")
    part = control[control > 0]
    if len(part) and np.ptp(part) > TOLERANCE:
        raise BadData(f"control_share: expected an equal split, got {part.min():.6g} to {part.max():.6g}")
    _refuse(
        control > shares + TOLERANCE,
        names,
        lambda k: f"owes {control[k]:.6g} to the control, has {shares[k]:.6g}",
    )


def _refuse(broken: Bools, names: list[str], say: object) -> None:
    if broken.any():
        k = int(np.argmax(broken))
        raise BadData(f"shares, {names[k]}: {say(k)}")  # type: ignore[operator]


def _project(goal: Floats, low: Floats, high: Floats) -> Floats:
    """argmin |x - goal| with low <= x <= high and sum x = 1: x = clip(goal - t, low, high), t exact by its knots."""
    if not low.sum() <= 1 + TOLERANCE or not high.sum() >= 1 - TOLERANCE:
        raise BadData(f"step: no shares between {low.sum():.6g} and {high.sum():.6g} in total can sum to 1")
    knots = np.unique(np.concatenate([goal - low, goal - high]))
    totals = np.clip(goal - knots[:, None], low, high).sum(axis=1)
    # The total falls in t and is linear between knots, so interpolation finds t exactly.
    t = np.interp(-1.0, -totals, knots)
    x = np.clip(goal - t, low, high)
    room = np.where(x.sum() < 1, high - x, x - low)
    gap = 1 - x.sum()
    return x + gap * room / room.sum() if room.sum() > 0 else x


def _shares(values: ArrayLike, name: str) -> Floats:
    s = np.asarray(values, float)
    if s.ndim != 1 or not len(s):
        raise BadData(f"{name}: expected one share per arm, got shape {s.shape}")
    bad = ~np.isfinite(s) | (s < -TOLERANCE)
    if bad.any():
        k = int(np.argmax(bad))
        raise BadData(f"{name}[{k}]: expected a share >= 0, got {float(s[k])!r}")
    if abs(s.sum() - 1) > 1e-6:
        raise BadData(f"{name}: expected shares that sum to 1, got {s.sum():.9g}")
    return np.maximum(s, 0.0)


def _previous(values: ArrayLike, n: int) -> Floats | None:
    """Yesterday's shares scaled to sum to 1, or None when there are none."""
    s = np.asarray(values, float)
    if s.shape != (n,) or not np.isfinite(s).all() or (s < -TOLERANCE).any():
        raise BadData(f"previous: expected one share >= 0 per arm ({n}), got {s.tolist()!r}")
    total = float(s.sum())
    return None if total <= TOLERANCE else np.maximum(s, 0.0) / total
