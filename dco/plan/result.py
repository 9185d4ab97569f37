"""What a night decides, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dco import schemas
from dco.elements.model import Fit
from dco.plan.reading import Known


@dataclass(frozen=True)
class Basis:
    """What a plan was decided by: the fitted model and what was known. Forecasts and explanations are read off it."""

    model: Fit
    known: Known


@dataclass(frozen=True)
class Plan:
    """One night's decision.

    `shares` (schemas.SHARES) sums to 1 per segment; `proposals` (schemas.proposals) are ideas to make; `retire`
    (schemas.RETIRE) are arms to take down; `why` says in sentences with numbers what was decided and why;
    `diagnostics` holds what the model learnt (plain numbers, texts and lists); `basis` the model itself; `budgets`
    (schemas.BUDGETS) the night's money per segment and placement, empty where no budget is stated.
    """

    shares: pa.Table
    proposals: pa.Table
    retire: pa.Table
    why: tuple[str, ...]
    diagnostics: Mapping[str, Any]
    basis: Basis | None = field(default=None, repr=False, compare=False)
    budgets: pa.Table = field(default_factory=schemas.BUDGETS.empty_table)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists, dicts, texts and numbers; JSON can write it."""
        return {
            "shares": self.shares.to_pylist(),
            "proposals": self.proposals.to_pylist(),
            "retire": self.retire.to_pylist(),
            "budgets": self.budgets.to_pylist(),
            "why": list(self.why),
            "diagnostics": dict(self.diagnostics),
        }

    def __repr__(self) -> str:
        lines = [
            f"{'segment':<14} {'arm':<20} {'share':>7} {'control':>8} {'P(best)':>8} {'rate':>10} {'90 %':>22}"
        ]
        for r in self.shares.to_pylist():
            best = "" if r["p_best"] is None else f"{r['p_best']:.3f}"
            rate = "" if r["mean"] is None else f"{r['mean']:.4g}"
            span = "" if r["low"] is None else f"{r['low']:.4g} .. {r['high']:.4g}"
            lines.append(
                f"{r['segment']:<14} {r['arm_id']:<20} {r['share']:>7.2%} {r['control_share']:>8.2%} "
                f"{best:>8} {rate:>10} {span:>22}"
            )
        for r in self.proposals.to_pylist():
            gain = "" if r["expected_gain"] is None else f" {r['expected_gain']:+.1%}"
            lines.append(f"new    {r['segment']}: {', '.join(r['attributes'].values())}{gain}")
        lines += [f"retire {r['segment']}: {r['arm_id']} ({r['why']})" for r in self.retire.to_pylist()]
        return "\n".join([*lines, *self.why])
