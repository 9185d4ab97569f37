"""The approval gallery: true pixels, all that made them, and the exact command."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from html import escape, unescape
from pathlib import Path

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


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""
LOOK = """<script>
onload = () => {
  const told = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement;
    const shown = () => [...page.images].map(i => [i.clientWidth, i.clientHeight]);
    const before = shown(), width = root.scrollWidth;
    page.querySelector(".pixels input").click();
    return {width: Math.max(width, root.scrollWidth), shown: before, clicked: shown()[0]};
  });
  document.body.textContent = JSON.stringify(told);
};
</script>"""


def seen(page: str, widths: list[int], folder: Path) -> list[dict[str, list[list[int]]]]:
    """What a real browser makes of the page in windows of those widths."""
    windows = [f'<iframe srcdoc="{escape(page)}" style="border:0;width:{w}px"></iframe>' for w in widths]
    (folder / "windows.html").write_text("<body>" + "".join(windows) + LOOK, encoding="utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"]
    dom = subprocess.run(
        [*command, f"--user-data-dir={folder / 'profile'}", (folder / "windows.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True, env={**os.environ, "HOME": str(folder)},
    ).stdout  # fmt: skip
    return json.loads(re.search(r"<body>(.*)</body>", dom, re.S)[1])


@pytest.mark.skipif(not BROWSER, reason="no chromium is at hand")
def test_an_ad_as_wide_as_a_window_is_seen_whole_and_in_true_pixels_where_they_fit(cards, tmp_path):
    card = GalleryCard(cards[0].arm, {"1080x1080": picture(1080, 1080), "300x250": picture(300, 250)})
    widths = [1600, 1280, 390]
    found = seen(gallery([card], title="Night"), widths, tmp_path)
    assert all(one["width"] <= width for one, width in zip(found, widths, strict=True)), "nothing overflows"
    for wide in found[:2]:
        assert wide["shown"] == [[1080, 1080], [300, 250]]
    (side, same), small = found[2]["shown"]
    assert 300 < side == same <= 390 and small == [300, 250], "shrunk as a whole, and only where it must be"
    assert found[2]["clicked"] == [1080, 1080]


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
