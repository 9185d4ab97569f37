"""What earlier campaigns teach: their histories fitted as they ended, and the sentence that says how much carried over.

Nothing is looked up here: whoever calls names the campaigns, so nothing passes from one workspace to another by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dco.elements.model import Fit, FitSettings, fit
from dco.elements.prior import Prior
from dco.elements.transfer import learn
from dco.errors import BadData
from dco.plan.reading import read
from dco.records import Space

STAGES = ("clicks", "conversions", "revenue")
"""Every stage that the reports allow is learnt: the new campaign may have another KPI than the earlier ones."""


def learn_from(
    histories: Mapping[str, pa.Table], day: date, weights: Mapping[str, float] | None = None
) -> Prior:
    """The prior that earlier campaigns' histories (`schemas.history`) make, as known on `day`.

    Args:
        histories: campaign key -> history with `attributes` structs; its options and segments are those that occur in it.
        weights: campaign key -> what it counts for, in (0, 1]; None: all fully.

    Raises:
        BadData: a history without a row, by its campaign's key; a weight out of range.
    """
    told = {key: fit_history(key, table, day) for key, table in histories.items()}
    return learn(list(told.values()), None if weights is None else [weights.get(key, 1.0) for key in told])


def fit_history(key: str, history: pa.Table, day: date) -> Fit:
    """The element model of one earlier campaign."""
    if history is None or not history.num_rows:
        raise BadData(
            f"earlier campaign {key!r}: it has no report about its arms, so nothing can be learnt from it"
        )
    genomes = history["attributes"].combine_chunks()
    columns = {field.name: pc.struct_field(genomes, field.name) for field in genomes.type}
    # An attribute that only some arms have would need a guess for the others.
    columns = {name: column for name, column in columns.items() if not column.null_count}
    if not columns:
        raise BadData(f"earlier campaign {key!r}: no attribute is known of all its arms")
    space = Space({name: tuple(sorted(pc.unique(c).to_pylist())) for name, c in columns.items()})
    known = read(space, sorted(set(history["segment"].to_pylist())), history, None, None, None, day)
    said = {"clicks": True, "conversions": known.has_conversions, "revenue": known.has_revenue}
    stages = tuple(stage for stage in STAGES if said[stage])
    return fit(known.history, known.alphabet, FitSettings(stages=stages))


def carried(model: Fit, prior: Prior | None) -> list[str]:
    """What a night says about its prior: a sentence, or nothing where no prior was given or fits no stage."""
    if prior is None or not model.carried:
        return []
    campaigns = max(len(told.campaigns) for told in prior.stages.values())
    share = float(np.mean(model.carried))
    many = f"{campaigns} earlier campaigns" if campaigns > 1 else "an earlier campaign"
    verdict = "so they count for little" if share < 0.25 else "and decide less as the counts grow"
    return [f"About {share:.0%} of what {many} showed about the options is taken to hold here, {verdict}."]
