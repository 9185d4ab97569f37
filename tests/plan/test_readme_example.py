"""The README's example, run as it stands: the engine drives a market of one's own."""

from __future__ import annotations

EXAMPLE = """
from datetime import date, timedelta
import numpy as np, pyarrow as pa
from dco.plan.optimizer import Optimizer

space = {"scene": ["beach", "city", "forest"], "palette": ["blue", "amber"], "cta": ["buy", "learn"]}
worth = {"beach": 0.5, "amber": 0.3}                                    # the truth, unknown to the engine
optimizer = Optimizer(space, {"kpi": "ctr", "segments": ["all"], "max_live": 6, "holdout": 0.1})
rng = np.random.default_rng(7)
live = [{"arm_id": f"start-{i}", "segment": "all", "attributes": p["attributes"], "control": True}
        for i, p in enumerate(optimizer.initial(4, rng).to_pylist())]
shares, history = {arm["arm_id"]: 1 / 4 for arm in live}, []
for night in range(14):
    day = date(2026, 3, 2) + timedelta(days=night)
    for arm in live:                                                    # one day of traffic
        impressions = int(30_000 * shares.get(arm["arm_id"], 0))
        rate = 0.01 * np.exp(sum(worth.get(option, 0) for option in arm["attributes"].values()))
        history.append({**arm, "day": day, "impressions": impressions, "clicks": int(rng.binomial(impressions, rate))})
    plan = optimizer.plan(pa.Table.from_pylist(history), live, [], [], day, rng)
    shares = {row["arm_id"]: row["share"] for row in plan.shares.to_pylist()}
    live = [arm for arm in live if arm["arm_id"] in shares]             # what was retired is gone
    live += [{"arm_id": f"{night}-{i}", "segment": "all", "attributes": p["attributes"], "control": False}
             for i, p in enumerate(plan.proposals.to_pylist())]
print(plan)
"""


def test_the_example_finds_the_best_idea() -> None:
    names: dict[str, object] = {}
    exec(EXAMPLE, names)
    plan = names["plan"]
    leader = max(plan.shares.to_pylist(), key=lambda r: r["share"])  # type: ignore[attr-defined]
    arms = {arm["arm_id"]: arm["attributes"] for arm in names["live"]}  # type: ignore[attr-defined]
    assert arms[leader["arm_id"]]["scene"] == "beach" and arms[leader["arm_id"]]["palette"] == "amber"
    assert leader["share"] > 0.5
