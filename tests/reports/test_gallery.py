"""The approval gallery: true pixels, all that made them, and the exact command."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import replace
from html import unescape

import pytest
from PIL import Image

from dco.records import Copy
from dco.reports.gallery import Finding, GalleryCard, gallery


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (20, 90, 90)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def cards(sample_report):
    sizes = {"300x250": picture(300, 250), "728x90": picture(728, 90)}
    pending = [a for a in sample_report.arms if a.state == "pending"]
    return [GalleryCard(a, sizes, [Finding("contrast", "warning", "3.9 of 4.5", "728x90")]) for a in pending]


def test_every_size_is_shown_at_true_size_with_words(cards):
    page = gallery(cards, title="Night")
    found = re.findall(
        r'<img src="data:image/png;base64,[^"]+" width="(\d+)" height="(\d+)" alt="([^"]+)"', page
    )
    assert [(w, h) for w, h, _ in found] == [("300", "250"), ("728", "90")] * len(cards)
    assert all(alt for _, _, alt in found)


def test_what_made_a_creative_stands_beside_it(cards):
    page = unescape(gallery(cards, title="Night"))
    for card in cards:
        arm = card.arm
        for fact in (arm.arm_id, arm.prompt, str(arm.seed), arm.model, *arm.parents, arm.copy.headline):
            assert fact in page
    assert "3.9 of 4.5" in page


def test_the_commands_name_the_campaign_and_the_whole_arm_id(cards):
    page = unescape(gallery(cards, title="Night", campaign="my campaign; rm -rf x"))
    codes = re.findall(r"<code>(.*?)</code>", page)
    assert shlex.split(codes[0]) == [
        "dco",
        "approve",
        "my campaign; rm -rf x",
        *(c.arm.arm_id for c in cards),
    ]
    assert shlex.split(codes[1]) == ["dco", "approve", "my campaign; rm -rf x", cards[0].arm.arm_id]
    assert shlex.split(codes[2])[:2] == ["dco", "reject"]


def test_without_commands_nothing_runs_on_the_page(cards):
    page = gallery(cards, title="Night", commands=False)
    assert "<script" not in page and "dco approve" not in page


def test_nothing_is_fetched_from_anywhere(cards):
    page = gallery(cards, title="Night")
    assert not re.search(r'(src|href)="(?!data:image/|#)', page) and "http" not in re.sub(
        r"base64,[^\"]*", "", page
    )


def test_hostile_words_stay_words(cards):
    bad = "</code><script>alert(1)</script>"
    arm = replace(
        cards[0].arm, copy=Copy(bad, bad, bad), prompt=bad, genome={bad: bad}, model=bad, parents=(bad,)
    )
    page = gallery([GalleryCard(arm, cards[0].images, [bad])], title=bad, campaign=bad)
    assert "<script>alert" not in page and page.count("<script>") == 1


def test_a_picture_that_is_not_of_its_size_is_shown_as_it_is_and_said_so(cards):
    page = gallery([GalleryCard(cards[0].arm, {"300x250": picture(299, 250), "728x90": b"?"})], title="Night")
    assert "the picture is 299x250" in page and 'width="299"' in page and "cannot be read" in page


def test_an_empty_queue_says_so():
    assert "Nothing waits for approval" in gallery([], title="Night")


def test_a_refused_creative_is_counted_at_the_top(cards):
    refused = replace(cards[0], findings=[Finding("banned_words", "refused", "says 'cheap'")])
    assert "1 of them failed a check" in gallery([refused, *cards[1:]], title="Night")


def test_the_same_cards_give_the_same_page(cards):
    assert gallery(cards, title="Night") == gallery(cards, title="Night")
