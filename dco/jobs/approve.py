"""Approval: by a person, or by a standing rule that the campaign file holds and every approval cites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dco.errors import Refused, UnknownName
from dco.jobs.clock import business_date
from dco.jobs.desk import Desk
from dco.records import Campaign, Creative, StandingRule
from dco.store.arms import ArmRow, arms, record


def waiting(desk: Desk) -> list[ArmRow]:
    """Drafted creatives that nobody has decided on, oldest first."""
    with desk.workspace.read() as conn:
        return arms(conn, desk.campaign.key, state="drafted")


def approve(desk: Desk, chosen: Sequence[str], *, by: str, now: datetime) -> list[str]:
    """Approve arms by id (or unique prefix); 'all' means all that wait. Returns their ids."""
    return _decide(desk, chosen, "approved", by=by, reason="", now=now)


def reject(desk: Desk, chosen: Sequence[str], *, by: str, reason: str, now: datetime) -> list[str]:
    """Reject arms for good: the same pixels, words and link never come back by themselves."""
    return _decide(desk, chosen, "rejected", by=by, reason=reason, now=now)


def _decide(
    desk: Desk, chosen: Sequence[str], event: str, *, by: str, reason: str, now: datetime
) -> list[str]:
    if not by.strip():
        raise Refused("an approval needs a name: say --by 'Jane Doe'")
    rows = waiting(desk)
    ids = [row.creative.arm_id for row in rows] if list(chosen) == ["all"] else find(desk, chosen)
    with desk.workspace.write() as conn:
        for one in ids:
            record(conn, desk.campaign.key, one, event, by=by, reason=reason, now=now)
    return ids


def find(desk: Desk, wanted: Iterable[str]) -> list[str]:
    """Full arm ids of ids or unique prefixes."""
    with desk.workspace.read() as conn:
        known = sorted({row.creative.arm_id for row in arms(conn, desk.campaign.key)})
    found = []
    for one in wanted:
        hits = [arm for arm in known if arm.startswith(one)]
        if len(hits) != 1:
            if hits:
                raise Refused(
                    f"'{one}' stands for {len(hits)} creatives ({', '.join(hits[:4])}, ...); give more digits"
                )
            raise UnknownName("creative", one, known, where=desk.campaign.key)
        found.append(hits[0])
    return found


def rule_for(campaign: Campaign, creative: Creative, now: datetime) -> StandingRule | None:
    """The first standing rule that covers every option of a creative and has not expired."""
    today = business_date(now, campaign.zone)
    genome = creative.genome.as_dict()
    for rule in campaign.approval:
        if today <= rule.until and all(genome.get(a) in options for a, options in rule.attributes.items()):
            return rule
    return None
