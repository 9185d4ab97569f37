"""The campaign report: self-contained, honest about thin data, safe with hostile text, every figure from its inputs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import schemas
from dco.records import Copy
from dco.reports import charts
from dco.reports.campaign import Gain, GainRow, PlacementNote, render
from dco.reports.facts import EFFECTS, effects_table
from dco.reports.theme import DARK, LIGHT

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"`&{{ 7*7 }}\\"""


class Page(HTMLParser):
    """Tags with their attributes, the text of the first screen, and all text, in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.text: list[str] = []
        self.first: list[str] = []
        self._inside_first = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in self.VOID:
            return
        self.stack.append(tag)
        if self._inside_first or dict(attrs).get("class") == "first":
            self._inside_first += 1

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.stack.pop() == tag, f"tags cross at </{tag}>"
        self._inside_first -= bool(self._inside_first)

    def handle_data(self, data):
        if self.stack and self.stack[-1] != "style":
            self.text.append(data)
            if self._inside_first:
                self.first.append(data)


def words_of(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(parts)).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def small_report(sample_report):
    """One segment of the sample: enough where a test is not about the charts."""
    one = lambda t: t.filter(pc.field("segment") == "commuters")  # noqa: E731
    return replace(
        sample_report,
        campaign=replace(sample_report.campaign, segments={"commuters": ""}),
        arms=tuple(c for c in sample_report.arms if c.segment == "commuters"),
        shares=one(sample_report.shares), shares_over_time=one(sample_report.shares_over_time), arm_days=one(sample_report.arm_days),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(sample_page):
    return Page(sample_page)


def test_tags_are_balanced_and_ids_are_unique(page):
    assert page.stack == []
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_reference_inside_the_page_leads_somewhere(sample_page, page):
    ids = {a["id"] for _, a in page.tags if "id" in a}
    wanted = {a["href"][1:] for t, a in page.tags if (a.get("href") or "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", sample_page))
    assert wanted <= ids


def test_nothing_is_fetched_from_anywhere_and_nothing_runs(sample_page, page):
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        for name in ("src", "href", "xlink:href", "srcset", "poster", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/"))
        assert not [name for name in attributes if name.startswith("on")]
    assert "@import" not in sample_page and not re.search(r"url\((?!#)", sample_page)
    assert len(sample_page) < 6_000_000


def test_the_same_inputs_give_the_same_page_and_every_chart_keeps_vega_lites_schema(
    sample_report, sample_page, monkeypatch
):
    monkeypatch.setattr(charts, "_specification", lambda chart: chart.to_dict(validate=True))
    assert render(sample_report) == sample_page


def test_every_input_hash_the_run_and_every_arm_are_on_the_page(sample_report, sample_page):
    for f in sample_report.files:
        assert f.sha256 in sample_page and f.name in sample_page
    for value in (*sample_report.hashes.values(), *sample_report.versions.values(), sample_report.run_id):
        assert value in sample_page
    for card in sample_report.arms:
        assert card.arm_id in sample_page and str(card.seed) in sample_page and card.prompt in sample_page


def test_a_simulated_market_says_so_at_the_top_and_on_every_chart(sample_report, sample_page, page):
    charts = sum(
        1
        for t, a in page.tags
        if t == "svg" and a.get("role") == "img" and "pic" not in (a.get("class") or "")
    )
    assert words_of(page.text).index("SIMULATED MARKET") < words_of(page.text).index("Campaign report")
    assert sample_page.count(f"Simulated market: {sample_report.simulated}") >= charts > 0
    assert "imulated" not in words_of(Page(render(replace(sample_report, simulated=None, nights=()))).text)


def test_what_only_a_known_truth_can_tell_is_left_out_of_a_real_report(small_report):
    rows = (GainRow("an oracle", -0.05, simulated_only=True), GainRow("equal split", 0.05, 0.01, 0.09))
    real = render(replace(small_report, simulated=None, gain_table=rows))
    assert "equal split" in real and "an oracle" not in real


def test_every_picture_has_words(page):
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"]
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")


def test_each_picture_is_embedded_once_besides_the_leaders(sample_report, sample_page):
    assert sample_page.count("data:image/jpeg;base64,") == len(sample_report.arms) + 3


def test_every_figure_of_the_first_screen_follows_from_the_inputs(sample_report, page):
    """Recomputed here from the tables by another route (Arrow, plain arithmetic), then looked up in the text."""
    first = words_of(page.first)
    table, shares = sample_report.arm_days, sample_report.shares
    total = {
        c: pc.sum(table[c]).as_py()
        for c in ("impressions", "clicks", "conversions", "revenue_micros", "spend_micros")
    }
    assert f"{total['impressions']:,} times for €{total['spend_micros'] / 1e6:,.2f}" in first
    assert (
        f"Clicks {total['clicks']:,} " in first and f"Revenue €{total['revenue_micros'] / 1e6:,.2f}" in first
    )
    assert f"Click-through rate {100 * total['clicks'] / total['impressions']:.2f} %" in first
    assert f"{len(set(table['arm_id'].to_pylist()))} ads ran in 3 audience segments" in first
    states = [c.state for c in sample_report.arms]
    assert f"Ads live / made {states.count('live')} / {len(states)}" in first
    assert f"{states.count('retired')} ads were retired" in first
    gain = sample_report.gain
    assert (
        f"+{100 * gain.value:.0f} %" in first
        and f"{100 * gain.low:.0f} % to {100 * gain.high:.0f} %" in first
    )
    for segment in sorted(set(shares["segment"].to_pylist())):
        rows = [r for r in shares.to_pylist() if r["segment"] == segment]
        best = max(rows, key=lambda r: r["p_best"])
        assert f"({100 * best['p_best']:.0f} %)" in first
        assert (
            f"{100 * best['mean']:.2f} % ({100 * best['low']:.2f} % to {100 * best['high']:.2f} %)" in first
        )
        assert f"gets {100 * best['share']:.0f} % of traffic" in first
    numbers = set(re.findall(r"(?<![\w#.,])\d[\d,.]*\d|(?<![\w#.,])\d", first))
    assert len(numbers) < 60  # a first screen, not an appendix


def test_a_campaign_without_any_result_speaks_in_words(sample_report):
    bare = replace(
        sample_report, simulated=None, arms=(), files=(), restatements=(), gain=None, gain_table=(), nights=(), unsettled=(), placements=(), method=(),
        **{name: getattr(sample_report, name).slice(0, 0) for name in ("shares_over_time", "arm_days", "shares", "effects", "costs")},
    )  # fmt: skip
    text = words_of(Page(render(bare)).text)
    assert "no results have been reported yet" in text and "too early to say" in text.lower()
    assert "No allocation has been published yet." in text and "Bring in a first report." in text
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)


def _thin(table: pa.Table) -> pa.Table:
    """The table with every nullable float turned into NaN."""
    for i, column in enumerate(table.schema):
        if pa.types.is_floating(column.type) and column.nullable:
            table = table.set_column(i, column, pa.array([np.nan] * len(table), column.type))
    return table


def test_nan_in_every_belief_never_reaches_a_reader(small_report):
    thin = replace(
        small_report,
        gain=Gain(float("nan"), None, float("nan")),
        gain_table=(GainRow("equal split", float("nan")),),
        shares=_thin(small_report.shares),
        effects=_thin(small_report.effects),
        arm_days=small_report.arm_days.slice(0, 1),
    )
    page = render(thin)
    shown = re.sub(r'base64,[^"]*', "", page)
    assert not re.search(r"\b[Nn]a[Nn]\b|\bNone\b|Infinity|undefined", shown)
    assert "too early to say" in shown and "earns more" not in shown and "earns less" not in shown


def test_hostile_words_stay_words(small_report, page):
    cards = tuple(
        replace(
            c, copy=Copy(HOSTILE, HOSTILE, HOSTILE), genome={HOSTILE: HOSTILE}, prompt=HOSTILE, model=HOSTILE, retired_why=HOSTILE,
            approved_by=HOSTILE, rule=HOSTILE, segment=c.segment if i else HOSTILE,
        )
        for i, c in enumerate(small_report.arms)
    )  # fmt: skip
    shares = small_report.shares.to_pylist()
    shares[0]["segment"] = HOSTILE
    hostile = replace(
        small_report, arms=cards, simulated=HOSTILE, run_id=HOSTILE, shares=pa.Table.from_pylist(shares, schemas.SHARES),
        campaign=replace(small_report.campaign, brand=HOSTILE, brief=HOSTILE, key=HOSTILE),
        effects=pa.Table.from_pylist([{"attribute": HOSTILE, "option": HOSTILE, "segment": None, "effect": 0.1, "low": 0.0, "high": 0.2}], EFFECTS),
        gain_table=(GainRow(HOSTILE, 0.1, 0.0, 0.2, HOSTILE),),
        files=tuple(replace(f, name=HOSTILE, note=HOSTILE) for f in small_report.files[:1]),
        placements=(PlacementNote(HOSTILE, HOSTILE, "switch", "platform-chosen"),), method=(HOSTILE,), versions={HOSTILE: HOSTILE},
    )  # fmt: skip
    parsed = Page(render(hostile))
    assert {t for t, _ in parsed.tags} <= {t for t, _ in page.tags} | {"br"}
    assert not [a for _, attributes in parsed.tags for a in attributes if a.startswith("on")]
    assert HOSTILE in words_of(parsed.text) and "49" not in words_of(parsed.text[:20])


def test_bytes_that_are_no_picture_show_a_placeholder(small_report):
    cards = tuple(replace(c, thumb=b"<svg onload=alert(1)>") for c in small_report.arms)
    page = render(replace(small_report, arms=cards))
    assert "data:image" not in page and "onload" not in page and "no picture" in page


def test_a_gain_measured_by_budget_is_not_called_caused(small_report):
    placements = (*small_report.placements, PlacementNote("social", "meta", "budget", "budgeted"))
    first = words_of(Page(render(replace(small_report, placements=placements))).first)
    assert "caused" not in first and "measured, delivery not randomised" in first


def test_an_unsettled_gain_is_not_sold_as_one(small_report):
    first = words_of(Page(render(replace(small_report, gain=Gain(0.05, -0.03, 0.13)))).first)
    assert "too early to say" in first and "zero is still inside the interval" in first


@pytest.mark.parametrize("kpi", ["ctr", "cpa", "roas", "revenue_per_impression"])
def test_every_kpi_has_a_page(small_report, kpi):
    page = render(
        replace(small_report, campaign=replace(small_report.campaign, kpi=kpi), arms=small_report.arms[:6])
    )
    assert not re.search(r"\bnan\b|\bNone\b", re.sub(r'base64,[^"]*', "", page))


def test_the_element_models_percentages_become_fractions():
    rows = [
        {
            "attribute": "a",
            "option": "x",
            "segment": "",
            "effect_pct": 12.0,
            "low_pct": -3.0,
            "high_pct": 29.0,
        }
    ]
    found = {"attribute": "a", "option": "x", "segment": None, "effect": 0.12, "low": -0.03, "high": 0.29}
    assert effects_table(rows).to_pylist() == [found]


def test_equal_chances_before_any_result_make_no_leader(small_report):
    rows = [
        {**r, "p_best": 0.25, "mean": None, "low": None, "high": None}
        for r in small_report.shares.to_pylist()
    ]
    page = render(replace(small_report, shares=pa.Table.from_pylist(rows, schemas.SHARES)))
    assert "no leader yet" in page


def test_a_rate_that_had_to_be_learnt_instead_is_called_by_its_name(small_report):
    campaign = replace(small_report.campaign, kpi="cpa")
    page = render(replace(small_report, campaign=campaign, believed="clicks"))
    assert "Each live ad's click-through rate" in page
    assert "conversions per 1,000 impressions" in render(replace(small_report, campaign=campaign))


def test_nights_name_ads_by_their_numbers(page):
    text = words_of(page.text)
    nights = text[text.index("What each nightly run decided") : text.index("Which files the figures rest on")]
    assert "#" in nights and not re.search(r"dco[0-9a-f]{16}", nights)


def test_an_ad_that_ran_in_two_segments_is_one_picture_and_two_rows(small_report):
    twin = replace(small_report.arms[0], segment="home_cooks")
    page = render(replace(small_report, arms=(*small_report.arms, twin)))
    assert page.count(f'id="pic-{twin.arm_id}"') == 1


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(a: str, b: str) -> float:
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_chart_colours_have_the_contrast_readers_need(theme):
    for ground in ("paper", "card"):
        for text in ("ink", "muted", "accent", "good", "warn"):
            assert _contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
        for mark in ("c1", "c2", "c3", "c4", "c5", "c6", "hold"):
            assert _contrast(theme[mark], theme[ground]) >= 3.0, (mark, ground)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.integers(0, 3))
def test_any_shares_draw_a_chart(parts, gap):
    from dco.reports.charts import Band, shares_over_time

    total = sum(parts) or 1.0
    bands = [Band(f"#{i:02d}", (0.9 * p / total,) * (gap + 1), "c1") for i, p in enumerate(parts)]
    svg = shares_over_time(date(2026, 3, 1), bands, [0.1] * (gap + 1), title="T", ident="x")
    assert svg.count("<svg") == 1 and "NaN" not in svg and 'id="x-hatch"' in svg
