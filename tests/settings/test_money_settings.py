"""Money rules of a campaign file are read whole, or refused by line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dco.errors import BadCampaign
from dco.records import BudgetBound, PlanSettings
from dco.settings import parse_campaign

TEMPLATE = (Path(__file__).parents[2] / "dco" / "settings" / "campaign.yaml").read_text(encoding="utf-8")


def with_lines(after: str, *lines: str) -> str:
    at = TEMPLATE.index("\n", TEMPLATE.index(after)) + 1
    return TEMPLATE[:at] + "".join(f"  {line}\n" for line in lines) + TEMPLATE[at:]


def test_a_campaign_without_money_rules_plans_as_before_and_knows_its_budget() -> None:
    plan = parse_campaign(TEMPLATE).plan
    plain = PlanSettings()
    for name in ("min_spend_micros", "cpa_max_micros", "roas_min", "ctr_min", "risk", "budget_bounds"):
        assert getattr(plan, name) == getattr(plain, name)
    assert (plan.daily_micros, plan.total_micros, plan.flight_days) == (900_000_000, 30_000_000_000, 91)
    assert plan.cells[:2] == (("commuters", "display", "rotation"), ("commuters", "feed", "budget"))


def test_the_commented_examples_are_rules_that_work() -> None:
    text = re.sub(r"^  # (min_per_creative|segments:|  commuters: \{|placements:|  feed: \{|cpa_max|roas_min|ctr_min|risk)",
                  r"  \1", TEMPLATE, flags=re.MULTILINE)  # fmt: skip
    plan = parse_campaign(text).plan
    assert (plan.min_spend_micros, plan.cpa_max_micros, plan.roas_min, plan.ctr_min) == (
        2_000_000,
        12_500_000,
        3,
        0.004,
    )
    assert plan.budget_bounds == (
        BudgetBound(segment="commuters", min_share=0.2, max_share=0.6),
        BudgetBound(placement="feed", min_micros=100_000_000, max_micros=500_000_000),
    )


BUDGET = "  creation_per_night: 5"


@pytest.mark.parametrize(
    ("after", "lines", "key", "says"),
    [
        (BUDGET, ["min_per_creative: two"], "budget.min_per_creative", "an amount such as"),
        (BUDGET, ["min_per_creativ: 2"], "budget.min_per_creativ", "did you mean 'min_per_creative'"),
        (BUDGET, ["segments: {comuters: {max: 5}}"], "budget.segments.comuters", "did you mean 'commuters'"),
        (BUDGET, ["segments: {commuters: {most: 5}}"], "budget.segments.commuters.most", "known here"),
        (
            BUDGET,
            ["segments: {commuters: {min_share: 20}}"],
            "budget.segments.commuters.min_share",
            "0.2 for 20 %",
        ),
        (
            BUDGET,
            ["segments: {commuters: {min: 500, max: 100}}"],
            "budget.segments.commuters",
            "cannot both hold",
        ),
        (
            BUDGET,
            ["segments:", "  commuters: {min_share: 0.7}", "  gift_buyers: {min: 300}"],
            "budget.segments",
            "sum to 930.00, more than budget.daily = 900.00",
        ),
        (
            BUDGET,
            ["placements:", "  display: {max_share: 0.4}", "  feed: {max: 500}"],
            "budget.placements",
            "sum to 860.00, less than budget.daily = 900.00",
        ),
        ("kpi:", ["cpa_max: 12 EUR"], "kpi.cpa_max", "an amount such as"),
        ("kpi:", ["ctr_min: 4"], "kpi.ctr_min", "a fraction"),
        ("kpi:", ["roas_min: -1"], "kpi.roas_min", "a number from 0"),
        ("guardrails:", ["risk: 9"], "guardrails.risk", "a number from 0 to 5"),
    ],
)
def test_a_wrong_money_rule_names_its_line_and_key(after: str, lines: list[str], key: str, says: str) -> None:
    text = with_lines(after, *lines)
    with pytest.raises(BadCampaign) as caught:
        parse_campaign(text)
    assert caught.value.key == key and says in caught.value.problem, str(caught.value)
    line = text.splitlines()[caught.value.line - 1]  # type: ignore[operator]
    assert key.rsplit(".", 1)[-1] in line
