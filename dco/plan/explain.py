"""Why a share, an idea or a retirement is what it is: the model's number taken apart, and one sentence about it.

The log of what a creative earns today is a sum: the segment's level (its average option of every attribute, today), what
each of its options adds to that, what the options add together, what the creative has of its own, and its wear. The parts
add up to `Fit.moments`' mean exactly. Percentages are `exp(part) - 1`, so they multiply where the parts add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dco.elements.model import Z90, Fit
from dco.elements.wear import wear_offset
from dco.plan.reading import ArmRow, Known
from dco.plan.segment import Split
from dco.plan.weights import ELEMENT_MODEL
from dco.records import PlanSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAID = 0.005
"""A part smaller than this (half a per cent) is in the numbers and not in the sentence."""
NAMED = 3
"""Options that a sentence names, largest effect first."""
CLOSE = 1e-6
"""How near a share must be to a limit for the limit to have made it."""
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Parts:
    """What log value rates are made of. Arrays are [genome]; `options` [genome, attribute], against the average option."""

    base: float
    options: Floats
    together: Floats
    own: Floats
    wear: Floats

    @property
    def total(self) -> Floats:
        """float[genome]: the mean of `Fit.moments`."""
        return self.base + self.options.sum(axis=1) + self.together + self.own + self.wear


def parts(model: Fit, segment: int, codes: Ints, arm: Ints) -> Parts:
    """Takes the model's means apart.

    Args:
        codes: int[genome, attribute]; arm: int[genome], fitted row, -1 for one that was never served.
    """
    alphabet, none = model.alphabet, np.full(len(arm), -1)
    weights = np.sum([r.posterior.mean[segment][: alphabet.width] for r in model.rates], axis=0)
    centred = weights.copy()
    base = model.level + float(model.season[segment]) + float(weights[0])
    average = np.empty(len(alphabet.options))
    for k, (start, options) in enumerate(zip(alphabet.starts.tolist(), alphabet.options)):
        average[k] = weights[start : start + len(options)].mean()
        centred[start : start + len(options)] -= average[k]
    base += float(average.sum())
    # An option that is not known (a code below 0) adds nothing, not the average.
    by_option = np.where(codes < 0, -average, centred[np.where(codes < 0, 0, codes + alphabet.starts)])
    own, wear = np.zeros(len(arm)), np.zeros(len(arm))
    age = np.where(arm >= 0, model.age_today[arm], 0.0) if len(model.age_today) else np.zeros(len(arm))
    for rate in model.rates:
        own += rate.means(segment, codes, arm) - rate.means(segment, codes, none)
        wear += wear_offset(rate.wear, age)
    # Whatever the model adds for pairs of options is what the single options leave; without pairs it is rounding.
    rest = model.means(segment, codes, arm) - base - by_option.sum(axis=1) - own - wear
    return Parts(base, by_option, rest, own, wear)


def table(model: Fit, segment: int, codes: Ints, arm: Ints, names: Sequence[str]) -> list[dict[str, Any]]:
    """`parts` as plain rows, one per genome: log parts by name, and their sum."""
    found, alphabet = parts(model, segment, codes, arm), model.alphabet
    return [
        {
            "arm_id": name,
            "segment": alphabet.segments[segment],
            "base": found.base,
            "options": {
                f"{a} {_option(model, k, codes[i, k])}": float(found.options[i, k])
                for k, a in enumerate(alphabet.attributes)
            },
            "together": float(found.together[i]),
            "own": float(found.own[i]),
            "wear": float(found.wear[i]),
            "log_rate": float(found.total[i]),
        }
        for i, name in enumerate(names)
    ]


def _option(model: Fit, attribute: int, code: int) -> str:
    return model.alphabet.options[attribute][int(code)] if code >= 0 else "not known"


def against_mix(mean: Floats, cov: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Log of each arm's rate over the mix's, and its sd, float[arm] each; `share` sums to 1.

    What arm and mix have in common, such as the segment's level, cancels (the mix's log is taken to first order).
    """
    worth = share * np.exp(mean - mean.max())
    weight = worth / worth.sum()
    common = cov @ weight
    var = np.diag(cov) - 2 * common + weight @ common
    return mean - mean.max() - np.log(worth.sum()), np.sqrt(np.maximum(var, 0.0))


def shares(
    rows: list[dict[str, Any]],
    model: Fit,
    known: Known,
    s: int,
    arms: Sequence[ArmRow],
    decided: Split,
    settings: PlanSettings,
) -> list[dict[str, Any]]:
    """The rows of one segment (`schemas.SHARES`) with `why`: what an arm gets, what it earns, of what, what held it back."""
    at = np.array([known.row[(a.segment, a.arm_id)] for a in arms], dtype=np.int64)
    codes = known.history.codes[at]
    made = parts(model, s, codes, at)
    mean, cov = model.moments(s, codes, at)
    ahead, sd = against_mix(mean, cov, decided.share)
    given = np.array([known.previous.get((a.segment, a.arm_id), 0.0) for a in arms])
    before = given / given.sum() if given.sum() > 0 else None
    seen = bool(known.history.clicks.sum())
    place = {a.arm_id: i for i, a in enumerate(arms)}
    for row in rows:
        i = place[row["arm_id"]]
        told = [_got(decided, before, i)]
        if seen:
            told += [_earns(ahead[i], sd[i], "tonight's mix")]
            told += [_of_what(made, i, model, codes[i], int(known.days_served[at[i]]))]
        else:
            told += ["no click has been reported yet, so the live creatives share equally"]
        told += [_held(decided, before, i, settings)]
        row["why"] = "; ".join(filter(None, told))
    return rows


def _got(decided: Split, before: Floats | None, i: int) -> str:
    yesterday = ""
    if before is not None:
        yesterday = f" (yesterday {percent(before[i])})" if before[i] > 0 else " (new)"
    return f"{percent(decided.share[i])}{yesterday}: best with probability {chance(decided.p_best[i])}"


def _earns(ahead: float, sd: float, what: str) -> str:
    low, high = (signed(np.expm1(ahead + z * sd)) for z in (-Z90, Z90))
    if abs(np.expm1(ahead)) < SAID:
        return f"earns as much as {what} ({low} to {high})"
    word = "more" if ahead > 0 else "less"
    return f"earns {percent(abs(np.expm1(ahead)))} {word} than {what} ({low} to {high})"


def _of_what(made: Parts, i: int, model: Fit, codes: Ints, days: int) -> str:
    """'scene beach +8 %, headline ritual +3 %, its own luck -1 %': against the average option and what options promise."""
    named = [
        (float(made.options[i, k]), f"{a} {_option(model, k, codes[k])}")
        for k, a in enumerate(model.alphabet.attributes)
    ]
    named.sort(key=lambda n: (-abs(n[0]), n[1]))
    told = [(v, n) for v, n in named[:NAMED] if abs(v) >= SAID]
    rest = sum(v for v, _ in named) - sum(v for v, _ in told)
    told += [(rest, "its other options")] if abs(rest) >= SAID else []
    told += [
        (float(part[i]), name)
        for part, name in (
            (made.together, "how its options go together"), (made.own, "its own luck"), (made.wear, "wear"),
        )
        if abs(part[i]) >= SAID
    ]  # fmt: skip
    text = ", ".join(f"{name} {signed(np.expm1(value))}" for value, name in told)
    if days == 0:
        return "never served, so judged by its options alone" + (f": {text}" if text else "")
    return text or "no option of it is worth more or less than half a per cent"


def _held(decided: Split, before: Floats | None, i: int, settings: PlanSettings) -> str:
    """Which promise made the share differ from what was learnt."""
    share, control = float(decided.share[i]), float(decided.control_share[i])
    told = []
    if settings.policy != ELEMENT_MODEL:
        told.append(f"shared by the policy {settings.policy}")
    if before is not None:
        moved = decided.share - before
        if abs(moved[i]) >= settings.step - CLOSE:
            told.append(f"held back by the daily step of {percent(settings.step)}")
        elif moved[i] > SAID and decided.p_best[i] < 1 / len(moved) and moved.max() >= settings.step - CLOSE:
            told.append("takes some of what the daily step still keeps from the strongest")
    if decided.resting[i]:
        told.append(
            "clearly behind, so " + ("it serves the holdout only" if control > 0 else "it gets nothing")
        )
    elif (
        settings.floor > 0
        and 0 < share - control <= settings.floor * (1 - decided.control_share.sum()) + CLOSE
    ):
        told.append(f"kept at the floor of {percent(settings.floor)}")
    if control > 0 and not decided.resting[i]:
        told.append(f"{percent(control)} of it for the holdout")
    return ", ".join(told)


def proposals(rows: list[dict[str, Any]], model: Fit, known: Known, s: int) -> list[dict[str, Any]]:
    """The proposals of one segment with a longer `why`: expected against the best parent, by which options, how sure."""
    for row in rows:
        parents = [p for p in row["parents"] or () if (row["segment"], p) in known.row]
        if parents:
            at = np.array([known.row[(row["segment"], p)] for p in parents], dtype=np.int64)
            row["why"] = f"{_from_parent(row['attributes'], at, parents, model, known, s)}; {row['why']}"
    return rows


def _from_parent(
    genome: Mapping[str, str], at: Ints, names: Sequence[str], model: Fit, known: Known, s: int
) -> str:
    new = model.alphabet.encode([genome])
    codes, arm = np.concatenate([new, known.history.codes[at]]), np.concatenate([[-1], at])
    mean, cov = model.moments(s, codes, arm)
    best = 1 + int(np.argmax(mean[1:]))
    made = parts(model, s, codes, arm)
    ahead = float(mean[0] - mean[best])
    sd = float(np.sqrt(max(cov[0, 0] + cov[best, best] - 2 * cov[0, best], 0.0)))
    changed = [
        (float(made.options[0, k] - made.options[best, k]), k)
        for k in range(codes.shape[1])
        if codes[0, k] != codes[best, k]
    ]
    changed.sort(key=lambda c: -abs(c[0]))
    swaps = [
        f"{model.alphabet.attributes[k]} {_option(model, k, codes[0, k])} for "
        f"{_option(model, k, codes[best, k])} {signed(np.expm1(value))}"
        for value, k in changed
    ]
    rest = (
        (float(made.together[0] - made.together[best]), "how the options go together {}"),
        (-float(made.wear[best]), "a fresh start {}"),
        (-float(made.own[best]), "without the parent's own luck {}"),
    )
    swaps += [text.format(signed(np.expm1(value))) for value, text in rest if abs(value) >= SAID]
    beats = f"beats it with probability {chance(float(ndtr(ahead / max(sd, 1e-9))))}"
    return f"{_earns(ahead, sd, f'its best parent {names[best - 1]}')}: {', '.join(swaps)}; {beats}"


def chance(p: float) -> str:
    """'0.62', never quite 0 or 1."""
    return "below 0.01" if p < 0.005 else "above 0.99" if p > 0.995 else f"{p:.2f}"


def percent(value: float) -> str:
    """'41 %'; below ten per cent with one decimal where it says something: '2.5 %'."""
    digits = 0 if abs(value) >= 0.0995 else 1
    text = f"{100 * value:.{digits}f}".removesuffix(".0")
    return f"{'0' if text == '-0' else text} %".replace("-", MINUS)


def signed(value: float) -> str:
    """'+8 %', a true minus sign below 0."""
    text = percent(value)
    return text if text.startswith(MINUS) or text == "0 %" else f"+{text}"
