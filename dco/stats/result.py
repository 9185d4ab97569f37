"""What a comparison says: a frozen value whose repr is the table an analyst wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dco.records import Licence

LICENCE_WORDS: Mapping[Licence, str] = {
    "randomised": "randomised: differences are caused by the creatives",
    "budgeted": "budgeted: money was split, audiences may differ; read beside the delivery diagnosis",
    "platform-chosen": "platform-chosen: a description of what was delivered, not a test",
}

ROWS = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("n", pa.float64(), nullable=False),
        pa.field("s", pa.float64(), nullable=False),
        pa.field("rate", pa.float64()),  # s / n, or the method's own estimate of the level
        pa.field(
            "lift", pa.float64()
        ),  # relative to the baseline, 0.10 = +10 %; null for the baseline itself
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("p_beat", pa.float64()),  # posterior probability that the arm's rate is above the baseline's
        pa.field("p_best", pa.float64()),
        pa.field("expected_loss", pa.float64()),  # rate given up on average by choosing this arm for good
    ]
)
_PERCENT = {"rate", "lift", "low", "high", "p_beat", "p_best"}


@dataclass(frozen=True, repr=False)
class Result:
    """Rows by segment and arm (`ROWS`), and what the numbers mean."""

    method: str
    baseline: str
    level: float
    estimand: str
    """What `lift` is a lift of: always named, because with drift and wear it matters."""
    licence: Licence
    rows: tuple[Mapping[str, Any], ...]
    interval: str = "confidence interval at one fixed look"
    notes: tuple[str, ...] = field(default=())

    def to_arrow(self) -> pa.Table:
        """One row per (segment, arm), schema `ROWS`; columns a method does not speak about are null."""
        return pa.Table.from_pylist([dict(r) for r in self.rows], schema=ROWS)

    def row(self, arm: str, segment: str | None = None) -> Mapping[str, Any]:
        """The row of one arm; the first segment's when none is named."""
        return next(r for r in self.rows if r["arm"] == arm and segment in (None, r["segment"]))

    def __repr__(self) -> str:
        shown = [c for c in ROWS.names if any(r.get(c) is not None for r in self.rows)]
        if len({r["segment"] for r in self.rows}) == 1:
            shown.remove("segment")
        cells = [[_cell(c, r.get(c)) for c in shown] for r in self.rows]
        width = [max(len(x) for x in column) for column in zip(shown, *cells, strict=True)]
        lines = [f"{self.method} against {self.baseline!r}, {self.level:.0%} {self.interval}"]
        for line in ([*shown], *cells):
            text = (
                x.ljust(w) if c in ("segment", "arm") else x.rjust(w)
                for c, x, w in zip(shown, line, width, strict=True)
            )
            lines.append("  ".join(text).rstrip())
        lines += [f"estimand: {self.estimand}", f"licence: {LICENCE_WORDS[self.licence]}"]
        return "\n".join([*lines, *(f"note: {n}" for n in self.notes)])


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in ("segment", "arm"):
        return str(value)
    if column in ("n", "s"):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
    if column == "rate":
        return f"{value:.3%}" if abs(value) < 1 else f"{value:.4g}"
    if column in _PERCENT:
        return f"{value:+.1%}" if column in ("lift", "low", "high") else f"{value:.1%}"
    return f"{value:.2g}"
