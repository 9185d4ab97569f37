"""`dco demo`: the whole job on a sample brand, every part real but the market, which is simulated and says so."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from dco.compose.sheet import contact_sheet
from dco.errors import DcoError, Refused
from dco.jobs import draft
from dco.jobs.check import check
from dco.jobs.create import Batch, Idea
from dco.jobs.deliver import write_gallery, write_report, write_whole
from dco.jobs.desk import Desk, open_desk
from dco.jobs.facts import Extra, campaign_report
from dco.jobs.init import init, template
from dco.jobs.names import short
from dco.jobs.nightly import nightly
from dco.jobs.publish import publish_arms
from dco.jobs.simulated import LABEL, World, day_of, morning, null_market
from dco.jobs.try_ad import jpeg_of
from dco.records import Genome
from dco.reports import words
from dco.reports.facts import GainRow
from dco.store.arms import arms

MARK = ".dco-demo"
"""A folder with this file was made by a demo, and a demo may make it anew."""

RULE = """approval:
  standing_rules:                       # the demo approves openly, in advance; every approval cites this rule
    - name: demo-rule
      by: the demo (no person looked)
      until: {until}
"""

TRIES = 5
"""Ideas that are tried for one ad that waits; a gate may refuse the pictures of some."""

Say = Callable[[str], None]


def demo(
    folder: Path, *, nights: int, seed: int, say: Say, progress: Callable[[str], Callable[[int, int], None]]
) -> None:
    """Run it all and tell it in plain words.

    Raises:
        Refused: the folder holds something that no demo made.
    """
    started = monotonic()
    since = lambda: f"{monotonic() - started:.0f} s"  # noqa: E731
    campaign_file = _set_up(folder, nights, seed)
    say(f"SIMULATED MARKET (seed {seed}). Everything is written to {folder}/\n")
    with open_desk(campaign_file) as desk:
        say("1. First ads")
        batch = draft.start(desk, now=morning(-1, desk.campaign.zone), progress=progress("   backdrops"))
        sheet = _contact_sheet(desk, batch)
        ads = sum(len(made.ads) for made in batch.made)
        say(
            f"   {len(batch.made)} creatives for {len(desk.campaign.segments)} segments, {ads} finished ads in {since()}"
        )
        if line := draft.missed_line(batch):
            say(f"   {line}")
        say(f"   look at {sheet}\n")
        say(f"2. {nights} nights: reports in, decision, new creatives, publication, report")
        world = World.of(desk.campaign, seed)
        _nights(desk, campaign_file, world, nights, say, progress)
        say("\n3. What it earned")
        _earned(desk, world, nights, seed, say)
        say("\n4. What it refuses")
        _refusals(desk, campaign_file, nights, say)
        root = desk.root
    say(f"\nDone in {since()}. Look at:")
    say(f"   report    {root / 'outbox' / 'report.html'}")
    say(f"   ads       {sheet}")
    say(f"   gallery   {root / 'outbox' / 'gallery.html'}")
    say(f"   sheet     {root / 'outbox' / 'google-ads-editor.csv'}")
    say("Your own, with .venv/bin on the path:")
    say('   dco try photo.png "Your headline" https://your.shop/page     12 ads in 3 sizes')
    say("   dco check report.csv                                         a report's totals to the cent")
    say("   dco init my-campaign                                         a campaign file to edit")


def _set_up(folder: Path, nights: int, seed: int) -> Path:
    if folder.exists():
        if not (folder / MARK).exists():
            raise Refused(
                f"{folder} exists and no demo made it; nothing was touched. Name another with --folder"
            )
        shutil.rmtree(folder)
    campaign = folder / "campaign"
    file = init(campaign)[0]
    (folder / MARK).write_text("made by `dco demo`; the next demo makes it anew\n", encoding="utf-8")
    start, end = day_of(0), day_of(nights + 30)
    text = template()
    text = text.replace(
        "flight: {start: 2026-09-01, end: 2026-11-30", f"flight: {{start: {start}, end: {end}"
    )
    head, _, rest = text.partition("approval:")
    text = head + RULE.format(until=day_of(nights)) + rest[rest.index("\nmodel:") :]
    file.write_text(f"{text}\nsimulated: {LABEL}, seed {seed}\n", encoding="utf-8")
    return file


def _contact_sheet(desk: Desk, batch: Batch) -> Path:
    tiles = [
        (
            f"{words.pretty(made.creative.segment)}  {short(made.creative.arm_id)}  {size}",
            made.ads[size].raster,
        )
        for made in batch.made
        for size in ("1080x1080", "300x250", "1200x628", "160x600")
        if size in made.ads
    ]
    sheet = contact_sheet(tiles, columns=8, cell=260)
    return write_whole(desk.outbox / "contact-sheet.jpg", jpeg_of(np.asarray(sheet)))


def _nights(
    desk: Desk,
    file: Path,
    world: World,
    nights: int,
    say: Say,
    progress: Callable[[str], Callable[[int, int], None]],
) -> None:
    for t in range(nights):
        now = morning(t, desk.campaign.zone)
        world.report(desk, t)
        night = nightly(file, now=now, progress=progress("   backdrops"))
        say(f"   {night.sentence()}")
        if night.missed_line:
            say(f"   {night.missed_line}")
        for alert in night.alerts:
            say(f"   ALERT {alert}")
        world.live_through(desk, t)
    again = nightly(file, now=morning(nights - 1, desk.campaign.zone))
    say(f"   (the last night run once more: {'nothing changed' if again.already_done else 'IT RAN TWICE'})")


def _earned(desk: Desk, world: World, nights: int, seed: int, say: Say) -> None:
    committed = world.committed(desk, nights)
    null, why = null_market(desk.campaign, seed, nights)
    ab_share = (committed.engine.sum() - committed.equal.sum()) / (sum(world.oracle) - sum(world.equal))
    rows = (
        GainRow("an equal split of the starting ads", world.lift, note="expected value, known in a simulation", simulated_only=True),
        GainRow(
            "the same ads under a week's A/B test, then committed",
            float(sum(world.engine) / committed.engine.sum() - 1),
            note="same seeds", simulated_only=True,
        ),
    )  # fmt: skip
    with desk.workspace.read() as conn:
        now = morning(nights, desk.campaign.zone)
        gain = campaign_report(conn, desk, now=now).gain
    write_report(desk, now=now, extra=Extra(rows))
    if gain is not None and gain.value is not None and gain.low is not None:
        say(
            f"   gain over the holdout, measured from the reports   {words.change(gain.value, gain.low, gain.high)}"
        )
    say(f"   gain over an equal split, by the market's truth    {world.lift:+.1%}")
    say(f"   share of a clairvoyant oracle's gain               {world.share_of_oracle:.0%}")
    say(
        f"   the same seeds under A/B-then-commit               {committed.lift:+.1%} ({ab_share:.0%} of the oracle's gain)"
    )
    verdict = (
        "nothing found, nothing made" if why and not null.created.sum() else f"{null.created.sum()} made"
    )
    say(f"   a null market, where all creatives are equal       {verdict} ({null.lift:+.2%} over equal)")


def _refusals(desk: Desk, file: Path, nights: int, say: Say) -> None:
    """The gates, before the reader's eyes: an unapproved ad, and a report that does not add up."""
    late = morning(nights + 1, desk.campaign.zone)
    with desk.workspace.read() as conn:
        taken = {row.creative.genome.key for row in arms(conn, desk.campaign.key)}
    for _ in range(TRIES):
        idea = _unused(desk, taken)
        taken.add(idea.genome.key)
        batch = draft.make(desk, [idea])
        draft.save_waiting(desk, batch, now=late)
        if batch.made:
            waiting = batch.made[0].creative.arm_id
            write_gallery(desk)
            say(
                f"   $ dco publish {desk.root} {short(waiting)}      (made after the demo's approval rule ended)"
            )
            say(f"     {_refused(partial(publish_arms, desk, [waiting], now=late))}")
            break
        say(f"   {draft.missed_line(batch)}")
    report = next(iter(sorted((desk.inbox / "read").glob("google_ads-*.csv"), reverse=True)), None)
    if report is not None:
        say(f"   $ dco check {report}")
        for line in str(check(report, now=late)).splitlines():
            say(f"     {line}")
        broken = desk.root / "one-number-changed.csv"
        broken.write_bytes(_one_number_changed(report.read_bytes()))
        say(f"   $ dco check {broken}")
        say(f"     {_refused(lambda: check(broken, now=late))}")


def _unused(desk: Desk, taken: set[str]) -> Idea:
    """The first allowed genome that no creative has."""
    rng = np.random.default_rng(0)
    space = desk.campaign.space
    while True:
        genome = {a: str(rng.choice(options)) for a, options in space.attributes.items()}
        if space.allows(genome) and Genome.of(genome).key not in taken:
            return Idea(desk.campaign.segments[0].key, Genome.of(genome))


def _one_number_changed(report: bytes) -> bytes:
    """The same file with one digit of one row raised, as a slip in a spreadsheet would."""
    rows = list(csv.reader(io.StringIO(report.decode(), newline="")))
    header = next(i for i, row in enumerate(rows) if "Clicks" in row)
    at = rows[header].index("Clicks")
    rows[header + 1][at] = str(int(rows[header + 1][at].replace(",", "")) + 1)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _refused(action: Callable[[], Any]) -> str:
    try:
        action()
    except DcoError as error:
        return f"dco: {error}"
    return "NOT REFUSED"
