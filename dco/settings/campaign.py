"""From the text of a campaign file to a `Campaign`, or one line that names file, line, key and what was expected."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast
from zoneinfo import available_timezones

from dco import registry
from dco.errors import BadCampaign, BadInput
from dco.records import (
    LICENCE_OF,
    Brand,
    Campaign,
    Kpi,
    Lever,
    Placement,
    PlanSettings,
    Segment,
    Space,
    StandingRule,
)
from dco.settings.bounds import budget_bounds
from dco.settings.model import read_model
from dco.settings.node import Node, parse

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SIZE = re.compile(r"[1-9]\d{1,3}x[1-9]\d{1,3}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LINK = re.compile(r"https://[^\s/]+\.[^\s/]+\S*")
_COPY_TABLES = {"headline": "headlines", "subhead": "subheads", "cta": "ctas"}
_ROLES = ("ink", "paper", "accent", "on_accent")


def load_campaign(path: str | Path) -> Campaign:
    """Read and validate a campaign file (public door `dco.load_campaign`).

    Raises:
        BadInput: the file cannot be read as text. BadCampaign: names file, line, key and what was expected.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "campaign.yaml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(
            f"{file}: no such campaign file; `dco init {file.parent}` writes one that works"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: cannot be read as UTF-8 text ({error})") from None
    return parse_campaign(text, source=str(file), root=str(file.parent))


def parse_campaign(text: str, *, source: str = "campaign.yaml", root: str = ".") -> Campaign:
    """Validate the text of a campaign file. `root` is the folder its relative paths start from."""
    top = parse(text, source).only(
        "campaign", "brief", "brand", "product", "segments", "placements", "attributes", "forbidden", "copy",
        "flight", "budget", "kpi", "guardrails", "approval", "creatives", "model",
        "learnt_from", "simulated",
    )  # fmt: skip
    key = _key(top, "campaign")
    segment_nodes = top.mappings("segments", "a mapping with key and platform_ids")
    segments = tuple(map(_segment, segment_nodes))
    placement_nodes = top.mappings("placements", "a mapping with key and sizes")
    placements = tuple(map(_placement, placement_nodes))
    _unique(segment_nodes)
    _unique(placement_nodes)
    _one_owner_per_id(segment_nodes, segments)
    words = top.mapping("copy").only(*_COPY_TABLES.values())
    copy = {name: _copy_table(words, table) for name, table in _COPY_TABLES.items()}
    brand = _brand(top.mapping("brand"))
    for name, table in copy.items():
        _no_banned_words(words.mapping(_COPY_TABLES[name]), table, brand)
    space = _space(top, copy)
    flight = top.mapping("flight").only("start", "end", "zone")
    start, end = flight.day("start"), flight.day("end")
    if end < start:
        raise flight.fail("end", f"the flight ends on {end}, before it starts on {start}")
    zone = flight.text("zone", "a time zone such as Europe/Berlin")
    if zone not in available_timezones():
        raise flight.fail("zone", f"expected a time zone such as Europe/Berlin, got '{zone}'")
    budget = top.mapping("budget").only(
        "currency", "total", "daily", "creation_per_creative", "creation_per_night", "min_per_creative",
        "segments", "placements",
    )  # fmt: skip
    currency = budget.text("currency", "an ISO code such as EUR")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise budget.fail("currency", f"expected an ISO code such as EUR, got '{currency}'")
    kpi = top.mapping("kpi").only(
        "name", "conversion_window_days", "click_value", "conversion_value", "cpa_max", "roas_min", "ctr_min"
    )
    rules = top.mapping("guardrails", default=None).only(
        "floor",
        "holdout",
        "daily_step",
        "max_live",
        "max_new",
        "min_ctr",
        "stale_after_days",
        "policy",
        "risk",
    )
    plan = replace(
        _plan(top, segments, kpi, rules, budget),
        flight_days=(end - start).days + 1,
        budget_bounds=budget_bounds(budget, segments, placements),
        cells=tuple(
            (s.key, p.key, p.lever) for s in segments for p in placements if p.platform in s.platform_ids
        ),
    )
    creatives = top.mapping("creatives", default=None).only("starting_per_segment", "looks")
    starting = creatives.integer("starting_per_segment", 2, 64, 6)
    if starting > plan.max_live:
        raise creatives.fail(
            "starting_per_segment",
            f"{starting} starting creatives do not fit guardrails.max_live = {plan.max_live}; lower one or raise the other",
        )
    product = top.mapping("product").only("photo", "link")
    link = product.text("link", "the landing page, an https:// address")
    if not is_link(link):
        raise product.fail("link", f"expected an https:// address, got '{link}'")
    return Campaign(
        key=key,
        brief=top.text("brief", "what is sold to whom, in a few sentences"),
        brand=brand,
        product_photo=product.file("photo"),
        link=link,
        segments=segments,
        placements=placements,
        space=space,
        headlines=copy["headline"],
        subheads=copy["subhead"],
        ctas=copy["cta"],
        start=start,
        end=end,
        zone=zone,
        currency=currency,
        total_micros=budget.money("total"),
        daily_micros=budget.money("daily"),
        creation_micros_per_night=budget.money("creation_per_night", 0),
        plan=plan,
        min_ctr=rules.fraction("min_ctr", 0, 1, 0.0),
        stale_after_days=rules.integer("stale_after_days", 1, 30, 3),
        approval=_approval(top, space),
        starting_arms=starting,
        model=read_model(top.mapping("model", default=None)),
        conversion_window_days=kpi.integer("conversion_window_days", 0, 90, 7),
        learnt_from=_learnt_from(top, key),
        looks=creatives.choice("looks", ("ignore", "learn"), "ignore") == "learn",
        simulated=top.text("simulated", "the name of the simulated market", ""),
        root=root,
        source=source,
        source_hash=hashlib.sha256(text.encode()).hexdigest(),
    )


def is_link(text: str) -> bool:
    """True for an https:// address; nothing else may stand behind an ad."""
    return _LINK.fullmatch(text) is not None


def _key(node: Node, name: str) -> str:
    value = node.text(name, "a short name in lower case, digits, - and _")
    if not _KEY.fullmatch(value):
        raise node.fail(name, f"expected a short name in lower case, digits, - and _, got '{value}'")
    return value


def _unique(nodes: list[Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        key = node.text("key")
        if key in seen:
            raise node.fail("key", f"'{key}' is there twice")
        seen.add(key)


def _one_owner_per_id(nodes: list[Node], segments: tuple[Segment, ...]) -> None:
    """An ad group that fed two segments would be counted in both."""
    owner: dict[tuple[str, str], str] = {}
    for node, segment in zip(nodes, segments, strict=True):
        for platform, ids in segment.platform_ids.items():
            for one in ids:
                other = owner.setdefault((platform, one), segment.key)
                if other != segment.key:
                    raise node.mapping("platform_ids").fail(
                        platform, f"id '{one}' belongs to both '{other}' and '{segment.key}'"
                    )


def _segment(node: Node) -> Segment:
    node.only("key", "description", "platform_ids")
    ids = node.mapping("platform_ids", "platform -> list of ids, e.g. google_ads: ['123']")
    for platform in ids.plain():
        _known_platform(ids, platform)
    return Segment(_key(node, "key"), node.text("description", "who these people are"), ids.each(ids.texts))


def _known_platform(node: Node, platform: str) -> None:
    known = registry.names("formats")
    if platform not in known:
        raise node.fail(platform, f"no platform named '{platform}' (known: {', '.join(known)})")


def _placement(node: Node) -> Placement:
    node.only("key", "platform", "account", "lever", "sizes")
    platform = node.choice("platform", registry.names("formats"))
    lever = cast(Lever, node.choice("lever", LICENCE_OF))
    sizes = node.texts("sizes", "a list of sizes such as [300x250, 728x90]")
    for size in sizes:
        if not _SIZE.fullmatch(size):
            raise node.fail("sizes", f"expected sizes such as 300x250, got '{size}'")
    return Placement(_key(node, "key"), platform, _account(node), lever, sizes)


def _account(node: Node) -> str:
    """An account id as reports state it: Google prints 123-456-7890 on screens and 1234567890 in files."""
    return re.sub(r"(?<=\d)-(?=\d)", "", node.text("account", "the account id, in quotes"))


def _brand(node: Node) -> Brand:
    node.only("name", "logo", "colors", "fonts", "banned_words")
    colors = node.mapping("colors").only(*_ROLES)
    palette = {role: colors.text(role, "a colour such as '#1a2b3c'") for role in _ROLES}
    for role, value in palette.items():
        if not _COLOR.fullmatch(value):
            raise colors.fail(role, f"expected a colour such as '#1a2b3c' (in quotes), got '{value}'")
    fonts = node.mapping("fonts", default=None).only("headline", "body")
    return Brand(
        node.text("name"),
        node.file("logo"),
        palette,
        fonts.each(fonts.file),
        node.texts("banned_words", "a list of words", ()),
    )


def _copy_table(words: Node, table: str) -> dict[str, str]:
    node = words.mapping(table, "a mapping of short key -> the words, e.g. ritual: 'A slower morning'")
    if not node.plain():
        raise words.fail(table, "is empty; expected at least one entry")
    return node.each(node.text)


def _no_banned_words(node: Node, table: dict[str, str], brand: Brand) -> None:
    for key, text in table.items():
        for word in brand.banned_words:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                raise node.fail(key, f"contains the banned word '{word}' (brand.banned_words)")


def _space(top: Node, copy: dict[str, dict[str, str]]) -> Space:
    node = top.mapping("attributes", "attribute -> list of options")
    if not node.plain():
        raise top.fail("attributes", "is empty; expected at least one attribute with two options")
    attributes = node.each(node.texts)
    for name, options in attributes.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
            raise node.fail(name, "expected an attribute name in lower case, digits and _")
        for option in options:
            if name in copy and option not in copy[name]:
                known = ", ".join(copy[name])
                raise node.fail(
                    name, f"'{option}' has no words in copy.{_COPY_TABLES[name]} (known: {known})"
                )
    forbidden = []
    for rule in top.mappings("forbidden", "a partial combination such as {scene: beach, light: night}", None):
        rule.only(*attributes)
        combo = {a: rule.choice(a, attributes[a]) for a in rule.plain()}
        if len(combo) < 2:
            raise BadCampaign(
                rule.source, rule.line(), rule.path.rstrip("."),
                "expected at least two attributes; to ban one option, take it out of its list",
            )  # fmt: skip
        forbidden.append(combo)
    return Space(attributes, tuple(forbidden))


def _plan(top: Node, segments: tuple[Segment, ...], kpi: Node, rules: Node, budget: Node) -> PlanSettings:
    max_live = rules.integer("max_live", 2, 200, 12)
    floor = rules.fraction("floor", 0, 0.5, 0.02)
    if floor * max_live > 1:
        raise rules.fail("floor", f"max_live x floor = {max_live} x {floor:g} is over 1; lower one of them")
    return PlanSettings(
        kpi=cast(Kpi, kpi.choice("name", ("ctr", "cpa", "roas", "revenue_per_impression"))),
        segments=tuple(s.key for s in segments),
        floor=floor,
        holdout=rules.fraction("holdout", 0, 0.5, 0.1),
        step=rules.fraction("daily_step", 0.01, 1, 0.25),
        max_live=max_live,
        max_new=rules.integer("max_new", 0, 50, 3),
        creation_cost_micros=budget.money("creation_per_creative", 0),
        click_value_micros=kpi.money("click_value", 0),
        conversion_value_micros=kpi.money("conversion_value", 0),
        policy=rules.choice("policy", registry.names("policies"), "hierarchical_thompson"),
        min_spend_micros=budget.money("min_per_creative", 0),
        cpa_max_micros=kpi.money("cpa_max", 0),
        roas_min=kpi.number("roas_min", 0, 1000, 0.0),
        ctr_min=kpi.fraction("ctr_min", 0, 1, 0.0),
        risk=rules.number("risk", 0, 5, 0.0),
        daily_micros=budget.money("daily"),
        total_micros=budget.money("total"),
    )


def _approval(top: Node, space: Space) -> tuple[StandingRule, ...]:
    node = top.mapping("approval", "by: person, or standing_rules").only("by", "standing_rules")
    if "standing_rules" not in node.plain():
        node.choice("by", ("person",))
        return ()
    rules = []
    for rule in node.mappings("standing_rules", "a mapping with name, by and until"):
        rule.only("name", "by", "until", "attributes")
        covered = rule.mapping("attributes", default=None).only(*space.attributes)
        allowed = covered.each(covered.texts)
        for name, options in allowed.items():
            for option in options:
                if option not in space.attributes[name]:
                    raise covered.fail(name, f"'{option}' is not an option of attributes.{name}")
        rules.append(
            StandingRule(rule.text("name"), rule.text("by", "a person's name"), rule.day("until"), allowed)
        )
    return tuple(rules)


def _learnt_from(top: Node, own: str) -> tuple[str, ...]:
    keys = top.texts("learnt_from", "a list of campaign keys of this workspace", ())
    for key in keys:
        if not _KEY.fullmatch(key):
            raise top.fail("learnt_from", f"expected keys of earlier campaigns, got '{key}'")
        if key == own:
            raise top.fail(
                "learnt_from", f"'{key}' is this campaign itself; it learns from its own reports anyway"
            )
    return keys


def wrong(campaign: Campaign, key: str, problem: str) -> BadCampaign:
    """The error of a key whose value turned out wrong after the file was read, with its line where the file is still the same.

    Args:
        key: dotted, such as `model.picture.init`; of a key that is not stated, the nearest one above it gives the line.
    """
    return BadCampaign(campaign.source, _line(campaign, key), key, problem)


def _line(campaign: Campaign, key: str) -> int | None:
    try:
        text = Path(campaign.source).read_text(encoding="utf-8")
        if hashlib.sha256(text.encode()).hexdigest() != campaign.source_hash:
            return None
        node, line = parse(text, campaign.source), None
    except (OSError, UnicodeDecodeError, BadCampaign):
        return None
    for name in key.split("."):
        if name not in node.data:
            break
        line = node.line(name)
        if not isinstance(node.plain()[name], Mapping):
            break
        node = node.mapping(name)
    return line
