"""A campaign file is read whole, or refused by one line that names file, line, key and what was expected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import registry
from dco.errors import BadCampaign, BadInput, DcoError
from dco.settings import load_campaign, parse_campaign

TEMPLATE = (Path(__file__).parents[2] / "dco" / "settings" / "campaign.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def known_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's names are checked against the parts that exist."""
    assert {"google_ads", "meta"} <= set(registry.names("formats"))


def test_the_written_example_is_a_campaign_that_works() -> None:
    campaign = parse_campaign(TEMPLATE)
    assert campaign.key == "aurora-autumn"
    assert [s.key for s in campaign.segments] == ["commuters", "home_baristas", "gift_buyers"]
    assert campaign.segment("commuters").platform_ids["google_ads"] == ("71000000001",)
    assert campaign.sizes() == ("300x250", "728x90", "160x600", "1080x1080", "1200x628")
    assert (campaign.start, campaign.end) == (date(2026, 9, 1), date(2026, 11, 30))
    assert campaign.plan.creation_cost_micros == 50_000
    assert campaign.copy_of({"headline": "gift", "cta": "shop"}).headline == "Give them better mornings"
    assert campaign.approval == ()


WRONG = [
    ("campaign: aurora-autumn", "campaign: Aurora Autumn", "campaign", "short name"),
    ("  name: ctr ", "  name: ctrr ", "kpi.name", "did you mean 'ctr'"),
    ("  floor: 0.03", "  floor: 3", "guardrails.floor", "0.03 for 3 %"),
    ("  floor: 0.03", "  flor: 0.03", "guardrails.flor", "did you mean 'floor'"),
    ("  holdout: 0.10", "  holdout: ten", "guardrails.holdout", "a fraction"),
    ("  daily: 900", "  daily: €900", "budget.daily", "an amount such as"),
    ('google_ads: ["71000000001"]', "google_ads: [71000000001]", "platform_ids.google_ads[0]", "quotes"),
    (
        'google_ads: ["71000000002"]',
        'google_ads: ["71000000001"]',
        "platform_ids.google_ads",
        "belongs to both",
    ),
    ("    lever: rotation", "    lever: rotate", "lever", "did you mean 'rotation'"),
    ("zone: Europe/Berlin", "zone: Berlin", "flight.zone", "Europe/Berlin"),
    ("end: 2026-11-30", "end: 2026-08-30", "flight.end", "before it starts"),
    ("  photo: brand/product.png", "  photo: ../secret.png", "product.photo", "inside the campaign's folder"),
    ("  logo: brand/logo.png", "  logo: /etc/passwd", "brand.logo", "inside the campaign's folder"),
    ("  link: https://www", "  link: javascript://www", "product.link", "https://"),
    ('    ink: "#2b1a12"', "    ink: brown", "brand.colors.ink", "a colour such as"),
    (
        "  headline: [ritual, origin",
        "  headline: [rituals, origin",
        "attributes.headline",
        "no words in copy",
    ),
    ("    ritual: Slow down.", "    ritual: A miracle.", "copy.headlines.ritual", "banned word 'miracle'"),
    ("{palette: green, light", "{palette: grey, light", "forbidden[0].palette", "did you mean 'green'"),
    ("  backend: embedded", "  backend: dalle", "model.backend", "expected one of"),
    ("starting_per_segment: 5", "starting_per_segment: 13", "creatives.starting_per_segment", "max_live"),
    ("  by: person", "  by: nobody", "approval.by", "expected one of person"),
    ("kpi:", "kpi:\n  name: cpa", "name", "there twice"),
]


@pytest.mark.parametrize(
    ("right", "wrong", "key", "says"), WRONG, ids=[w[2] + ":" + w[1].strip()[:24] for w in WRONG]
)
def test_a_wrong_line_is_refused_with_its_line_and_key(right: str, wrong: str, key: str, says: str) -> None:
    text = TEMPLATE.replace(right, wrong, 1)
    assert text != TEMPLATE
    with pytest.raises(BadCampaign) as caught:
        parse_campaign(text, source="c.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert says in message and key in message and message.startswith("c.yaml, line ")
    near = len(TEMPLATE[: TEMPLATE.index(right)].splitlines()) + 1
    assert caught.value.line is not None and abs(caught.value.line - near) <= 3


def test_a_missing_file_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dco init"):
        load_campaign(tmp_path / "none.yaml")


@settings(max_examples=300)
@given(st.integers(0, len(TEMPLATE) - 1), st.characters(codec="utf-8"))
def test_any_one_character_changed_gives_a_campaign_or_one_clear_error(at: int, char: str) -> None:
    text = TEMPLATE[:at] + char + TEMPLATE[at + 1 :]
    try:
        parse_campaign(text)
    except DcoError as error:
        assert "\n" not in str(error)


def test_a_secret_is_no_option_but_the_name_of_its_variable_is() -> None:
    def with_option(line: str) -> str:
        return TEMPLATE + f"  options: {{{line}}}\n"

    named = parse_campaign(with_option("key_env: GATEWAY_API_KEY"))
    assert dict(named.model.options) == {"key_env": "GATEWAY_API_KEY"}
    for line in ("api_key: sk-1234", "key_env: sk-1234", "key_env: 5"):
        with pytest.raises(BadCampaign) as error:
            parse_campaign(with_option(line))
        assert "1234" not in str(error.value)


def test_earlier_campaigns_are_named_or_there_are_none() -> None:
    assert parse_campaign(TEMPLATE).learnt_from == ()
    assert parse_campaign(TEMPLATE + "learnt_from: [spring, winter-sale]\n").learnt_from == (
        "spring",
        "winter-sale",
    )
    for keys, says in (
        ("[aurora-autumn]", "this campaign itself"),
        ("[Spring Sale]", "keys of earlier campaigns"),
        ("[spring, spring]", "there twice"),
        ("spring", "a list of campaign keys"),
    ):
        with pytest.raises(BadCampaign, match=says):
            parse_campaign(TEMPLATE + f"learnt_from: {keys}\n")
