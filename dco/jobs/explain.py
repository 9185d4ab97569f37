"""`dco explain`: every decision of a night as sentences, with the numbers behind them on request. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from dco.errors import BadInput, UnknownName
from dco.jobs.desk import Desk
from dco.jobs.facts import arm_days, decided
from dco.jobs.names import called
from dco.reports import words
from dco.reports.reasons import Decided
from dco.store import runs
from dco.store.arms import arms


def explain(desk: Desk, *, day: date | None = None, arm: str = "") -> Decided:
    """What the night of `day` decided (default: the newest one), in all or about one creative.

    Args:
        arm: an arm id or its first characters.

    Raises:
        BadInput: no such night, none yet, or an arm that it says nothing about. UnknownName: no such arm.
    """
    campaign = desk.campaign
    with desk.workspace.read() as conn:
        nights = {
            run.day: step
            for run in runs.listing(conn, campaign.key)
            if (step := runs.step(conn, run, "decide")) is not None
        }
        if not nights:
            raise BadInput(
                f"{campaign.key}: no night has decided anything yet; run `dco nightly {campaign.root}`"
            )
        chosen = max(nights) if day is None else day
        if chosen not in nights:
            raise BadInput(
                f"{campaign.key}: no night of {chosen}; there are {len(nights)}, from {min(nights)} to {max(nights)}"
            )
        rows = arms(conn, campaign.key)
        names = {row.arm_id: called(row.arm_id, row.creative.genome.as_dict()) for row in rows}
        money = _money(conn, desk, nights[chosen], chosen)
    found = replace(decided(chosen, nights[chosen], names=names, money=money), simulated=campaign.simulated)
    if not arm:
        return found
    ids = [a for a in names if a.startswith(arm)]
    if not ids:
        raise UnknownName("arm", arm, sorted(names), where=f"campaign {campaign.key}")
    about = found.of_arm(ids)
    if not (about.shares or about.retire or about.proposals):
        raise BadInput(
            f"{campaign.key}: the night of {chosen} decided nothing about {', '.join(sorted(ids))}"
        )
    return about


def _money(conn: Connection, desk: Desk, step: Mapping[str, Any], day: date) -> list[str]:
    """What has been spent of the budget by that morning, and what the night's ideas cost to make."""
    campaign = desk.campaign
    spent = sum(r["spend_micros"] for r in arm_days(conn, desk, as_of=day).to_pylist())
    told = f"spent by then: {words.money(spent, campaign.currency)}"
    if campaign.total_micros:
        told += f" of {words.money(campaign.total_micros, campaign.currency)} ({words.share(spent / campaign.total_micros)})"
    n, each = len(step.get("proposals", ())), campaign.plan.creation_cost_micros
    if not n:
        return [told, "nothing new is made, so nothing is spent on making"]
    cost = f"{words.plural(n, 'idea')} to make at {words.money(each, campaign.currency)} each"
    most = campaign.creation_micros_per_night
    limit = f", of at most {words.money(most, campaign.currency)} a night" if most and each else ""
    return (
        [told, f"{cost}: {words.money(n * each, campaign.currency)}{limit}"]
        if each
        else [told, f"{words.plural(n, 'idea')} to make, at no stated cost"]
    )
