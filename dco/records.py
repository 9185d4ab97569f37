"""Frozen values that travel between the rooms: what a campaign is, and what a creative is.

Identity is by content. A genome's key hashes its options; an arm's id hashes the composed raster of every size
together with copy and link, so that any edit is a new arm (and needs a new approval).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Lever = Literal["served", "rotation", "budget", "switch"]
"""How a placement obeys shares: our own decisions, weighted rotation, money split over isolated ad sets, on/off only."""

Licence = Literal["randomised", "budgeted", "platform-chosen"]
"""What a propensity licenses: a causal verdict, a verdict beside a delivery diagnosis, or a description."""

LICENCE_OF: Mapping[Lever, Licence] = {
    "served": "randomised",
    "rotation": "randomised",
    "budget": "budgeted",
    "switch": "platform-chosen",
}

Kpi = Literal["ctr", "cpa", "roas", "revenue_per_impression"]
Speed = Literal["exact", "fast"]

MICROS = 1_000_000
"""Money is integer micros of its currency; conversions, which platforms report fractionally, are exact decimals."""


def content_hash(value: Any, *, length: int = 16) -> str:
    """Hex SHA-256 of a JSON-able value in canonical form (sorted keys, no blanks), cut to `length` characters."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Genome:
    """One option per attribute, in attribute order of the alphabet. Two genomes with the same options are equal."""

    options: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> Genome:
        return cls(tuple(sorted((str(k), str(v)) for k, v in attributes.items())))

    def as_dict(self) -> dict[str, str]:
        return dict(self.options)

    def __getitem__(self, attribute: str) -> str:
        return dict(self.options)[attribute]

    @property
    def key(self) -> str:
        """Content hash of the options; the same idea has the same key in every segment and campaign."""
        return content_hash(list(map(list, self.options)))


@dataclass(frozen=True, slots=True)
class Space:
    """What may vary: attribute -> options, and combinations that are forbidden (each a partial genome)."""

    attributes: Mapping[str, tuple[str, ...]]
    forbidden: tuple[Mapping[str, str], ...] = ()

    def allows(self, attributes: Mapping[str, str]) -> bool:
        """True when every option is known and no forbidden combination is contained."""
        known = all(attributes.get(a) in options for a, options in self.attributes.items())
        return known and not any(
            all(attributes.get(a) == v for a, v in rule.items()) for rule in self.forbidden
        )


@dataclass(frozen=True, slots=True)
class BudgetBound:
    """Least and most of a night's money for one segment or one placement, as parts of it, as amounts, or both."""

    segment: str = ""
    """Empty: the bound is on a placement."""
    placement: str = ""
    min_share: float = 0.0
    max_share: float = 1.0
    min_micros: int = 0
    max_micros: int | None = None

    @property
    def name(self) -> str:
        """How the campaign file calls it."""
        return f"budget.segments.{self.segment}" if self.segment else f"budget.placements.{self.placement}"

    def covers(self, segment: str, placement: str) -> bool:
        return self.segment == segment if self.segment else self.placement == placement

    def low(self, money: float) -> float:
        """Least of a night's `money`, in its unit (micros)."""
        return max(self.min_share * money, float(self.min_micros))

    def high(self, money: float) -> float:
        most = self.max_share * money
        return most if self.max_micros is None else min(most, float(self.max_micros))


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What `Optimizer` needs to know besides the space.

    Shares are fractions of a segment's impressions. `floor` is the least share of a live arm within the optimised part;
    `holdout` the part kept on an equal split of the starting arms; `step` the most a share may move in one night.
    Money is in micros of one currency.
    """

    kpi: Kpi = "ctr"
    segments: tuple[str, ...] = ("all",)
    floor: float = 0.02
    holdout: float = 0.10
    step: float = 0.25
    max_live: int = 12
    max_new: int = 3
    creation_cost_micros: int = 0
    horizon_days: int = 14
    """Days over which a new creative may earn back what it cost to make."""
    nights_left: int | None = None
    """Nights until the flight ends; None: unknown, then `horizon_days` stands for it."""
    click_value_micros: int = 0
    """Value hint: what a click is worth when the KPI is CTR; 0 means that cost never stops creation."""
    conversion_value_micros: int = 0
    policy: str = "hierarchical_thompson"
    speed: Speed = "exact"
    """`fast` is for studies of many nights: variances are relearnt in the first and the last round of a fit only, half as
    many draws are tried per idea, P(best) has half the quadrature cells. Arms' rates differ by a tenth of a percent or
    less on most nights, but shares can jump where two variances explain a short history equally well. A campaign's own
    nights are decided with `exact`."""
    min_spend_micros: int = 0
    """Least money of a live arm in one night, arms on their way out excepted; 0: none."""
    cpa_max_micros: int = 0
    """Largest spend per conversion, over all segments, expected on posterior means; 0: no bound."""
    roas_min: float = 0.0
    """Least revenue per money spent, likewise; 0: no bound."""
    ctr_min: float = 0.0
    """Least clicks per impression, likewise; 0: no bound."""
    risk: float = 0.0
    """Posterior sds by which a mix's expected value is lowered before mixes are compared; 0: neutral (bandits/money.py)."""
    daily_micros: int = 0
    total_micros: int = 0
    """Budgets; 0: none is stated, and then the plan says nothing about money per segment and placement."""
    flight_days: int | None = None
    budget_bounds: tuple[BudgetBound, ...] = ()
    cells: tuple[tuple[str, str, Lever], ...] = ()
    """(segment, placement, lever) where ads run; empty: as the history says."""


@dataclass(frozen=True, slots=True)
class Segment:
    """An audience: its key, what it is, and the platforms' own ids for it (ad groups, ad sets), kept as text."""

    key: str
    description: str
    platform_ids: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where ads run: platform, account (with the zone of its report days), lever, and the pixel sizes needed."""

    key: str
    platform: str
    account: str
    lever: Lever
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """The words of one ad, as typeset. Never diffused."""

    headline: str
    subhead: str
    cta: str


@dataclass(frozen=True, slots=True)
class Brand:
    """Brand rules the composer obeys. Colours are '#rrggbb' by role: ink, paper, accent, on_accent."""

    name: str
    logo: str
    colors: Mapping[str, str]
    fonts: Mapping[str, str] = field(default_factory=dict)
    """Role ('headline', 'body') -> font file of the brand; empty means the bundled defaults."""
    banned_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingRule:
    """Approval in advance: who allows which options, for how long. Every approval by it cites its name."""

    name: str
    by: str
    until: date
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Attribute -> options the rule covers; an attribute not named is covered whole."""


@dataclass(frozen=True, slots=True)
class LicenceOverride:
    """A non-commercial licence that a campaign may use live all the same: which one, who says so, and why."""

    license: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter that every picture wears. Without a file it is one that the backend's options open by this name."""

    name: str
    weight: float = 1.0
    file: str = ""
    """Its .safetensors file, or a folder that holds one, inside the campaign's folder."""


@dataclass(frozen=True, slots=True)
class Model:
    """Which backend draws the backdrop. `folder` is a local diffusers folder; `revision` pins a hub commit hash.
    Where steps, guidance or strength are None the backend's own are taken; `options` go to its constructor."""

    backend: str = "embedded"
    folder: str = ""
    revision: str = ""
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    negative: str = ""
    """What every picture shall avoid, besides what the prompts avoid anyway."""
    pictures: tuple[tuple[str, str], ...] = ()
    """(init | mask | style | control, file inside the campaign's folder)."""
    adapters: tuple[Adapter, ...] = ()
    takes: Literal["new", "vary"] = "new"
    """Another picture of an earlier idea is drawn anew, or image to image from that idea's last picture."""
    lean: float = 0.0
    """How far the words of a new idea lean, in the text encoder, towards those of the winner that it descends from."""
    license: str = ""
    part_licenses: tuple[tuple[str, str], ...] = ()
    """(controlnet | ip_adapter | an adapter's name, licence): stands in where the part's own folder has no record."""
    license_override: LicenceOverride | None = None
    options: tuple[tuple[str, str | int | float | bool], ...] = ()
    time_limit: int = 300
    """Seconds that one picture may take before it is given up and its worker replaced; a batch of n may take n times that."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign file, validated. Paths are relative to the file's folder (`root`)."""

    key: str
    brief: str
    brand: Brand
    product_photo: str
    link: str
    segments: tuple[Segment, ...]
    placements: tuple[Placement, ...]
    space: Space
    headlines: Mapping[str, str]
    subheads: Mapping[str, str]
    ctas: Mapping[str, str]
    start: date
    end: date
    zone: str
    currency: str
    total_micros: int
    daily_micros: int
    creation_micros_per_night: int
    plan: PlanSettings
    min_ctr: float
    stale_after_days: int
    approval: tuple[StandingRule, ...]
    """Empty: a person approves every creative."""
    starting_arms: int
    model: Model
    conversion_window_days: int
    learnt_from: tuple[str, ...] = ()
    """Keys of earlier campaigns of the same workspace whose results may inform this one; nothing else does."""
    looks: bool = False
    """Whether creatives that look alike inform each other, beside their options."""
    simulated: str = ""
    """Where a simulated market answers in place of a platform: its name. Every page and sentence about results then says so."""
    root: str = "."
    source_hash: str = ""
    source: str = "campaign.yaml"
    """The file it was read from, for messages."""

    def segment(self, key: str) -> Segment:
        return next(s for s in self.segments if s.key == key)

    def sizes(self) -> tuple[str, ...]:
        """Every size any placement needs, in first-mentioned order."""
        return tuple(dict.fromkeys(size for p in self.placements for size in p.sizes))

    def copy_of(self, genome: Mapping[str, str]) -> Copy:
        """The words a genome stands for; an attribute that does not vary uses the first entry of its list."""
        pick = lambda table, name: table[genome[name]] if name in genome else next(iter(table.values()))  # noqa: E731
        return Copy(pick(self.headlines, "headline"), pick(self.subheads, "subhead"), pick(self.ctas, "cta"))


@dataclass(frozen=True, slots=True)
class Creative:
    """One arm: an idea for a segment, made into pixels. `rasters` maps size -> SHA-256 of the composed pixels."""

    arm_id: str
    segment: str
    genome: Genome
    copy: Copy
    link: str
    rasters: Mapping[str, str]
    parents: tuple[str, ...] = ()
    prompt: str = ""
    seed: int = 0
    model: str = ""
    requests: tuple[str, ...] = ()
    """Keys of the generation requests behind it, one per aspect family."""


@dataclass(frozen=True, slots=True)
class Making:
    """What pictures took; seconds, energy and money are summed over all that were made, also those a gate then refused."""

    made: int = 0
    cached: int = 0
    refused: int = 0
    seconds: float = 0.0
    watt_hours: float | None = None
    """An estimate; None where of not one of them the energy is known."""
    unmeasured: int = 0
    """Pictures whose energy is not known; they are not in `watt_hours`."""
    money: tuple[tuple[str, int], ...] = ()
    """(currency, micros) that providers charged, of those whose price is known."""
    unpriced: int = 0
    """Pictures whose price is not known; they are not in `money`."""


@dataclass(frozen=True, slots=True)
class Missed:
    """An idea for a segment that gave no creative, and why."""

    segment: str
    genome: Genome
    reason: str
    gates: tuple[str, ...] = ()
    """Per try that failed, the quality gate that refused its picture; '' where something else was in the way."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One report file as read: what it covers, when it was made, and its rows (`schemas.REPORT`).

    It replaces the slices (platform, account, scope, day) of every day from `first_day` to `last_day`; the newest `stamp`
    wins. `scope` is 'full' or the file's own filters in words: a filtered file never replaces a full one's scope.
    """

    source: str
    """File name, for people; identity is `sha256`."""
    sha256: str
    platform: str
    account: str
    zone: str
    currency: str
    scope: str
    first_day: date
    last_day: date
    stamp: datetime
    """The file's own creation stamp where it has one, else its arrival; aware, UTC."""
    rows: pa.Table


def arm_id(rasters: Mapping[str, str], copy: Copy, link: str) -> str:
    """Identity of an arm: 'dco' + 16 hex digits of the hash of its rasters, words and link."""
    body = {"rasters": dict(rasters), "copy": [copy.headline, copy.subhead, copy.cta], "link": link}
    return "dco" + content_hash(body)


ARM_ID_PATTERN = r"dco[0-9a-f]{16}"
"""How an arm id is found in the ad name that a platform reports back."""


def size_of(text: str) -> tuple[int, int]:
    """'300x250' -> (300, 250), in pixels."""
    width, height = text.split("x")
    return int(width), int(height)


def freeze(mapping: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Attribute -> options with the options as tuples."""
    return {str(k): tuple(str(o) for o in v) for k, v in mapping.items()}
