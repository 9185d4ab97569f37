"""Earlier campaigns of the same workspace that a campaign file names: what they teach tonight's plan."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from dco.elements.prior import Prior
from dco.plan.earlier import learn_from
from dco.records import Campaign
from dco.settings.campaign import wrong
from dco.store import history as past
from dco.store.arms import arms

KEY = "learnt_from"


def prior(conn: Connection, campaign: Campaign, *, day: date) -> Prior | None:
    """The prior made of the campaigns named under `learnt_from`, as their reports were known on `day`; None: none named.

    Their files need not exist any more: options come from their arms, and a row of an ad group goes by the segment of its arm.

    Raises:
        BadCampaign: a named campaign has no arms, or no report, in this workspace.
    """
    if not campaign.learnt_from:
        return None
    histories = {}
    for key in campaign.learnt_from:
        genomes = [row.creative.genome.as_dict() for row in arms(conn, key)]
        if not genomes:
            raise wrong(
                campaign, KEY, f"campaign '{key}' has no creatives in this workspace; take it off the list"
            )
        shared = [a for a in genomes[0] if all(a in g for g in genomes)]
        table = past.history(conn, key, shared, as_of=day, placements={}, segments={})
        if not shared or not table.num_rows:
            raise wrong(
                campaign, KEY, f"campaign '{key}' has no report in this workspace yet; take it off the list"
            )
        histories[key] = table
    return learn_from(histories, day)
