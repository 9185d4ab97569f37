"""A drawn, clearly simulated campaign for the report's tests: three segments, about two dozen ads, fourteen nights."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from dco import schemas
from dco.records import Copy, Genome, arm_id
from dco.reports.facts import (
    COSTS,
    EFFECTS,
    SHARES_OVER_TIME,
    ArmCard,
    CampaignReport,
    CampaignView,
    Gain,
    GainRow,
    InputFile,
    NightNote,
    PlacementNote,
    Restatement,
    Unsettled,
)
from dco.reports.plain import Change, Move, night_sentence

START = date(2026, 3, 2)
NIGHTS = 14
SEGMENTS = {
    "commuters": "People on their way to work, reached on weekday mornings",
    "young_parents": "Parents of children under six",
    "home_cooks": "Readers of recipe sites",
}
SPACE = {
    "scene": ("beach", "kitchen_counter", "marble_tabletop", "studio_podium"),
    "light": ("golden_hour", "bright_noon", "dusk"),
    "palette": ("warm", "cool", "earth"),
    "headline": ("fresh", "time", "price"),
}
HEADLINES = {
    "fresh": "Fresh from the first minute",
    "time": "Two minutes, then out of the door",
    "price": "A good cup for less",
}
HUES = {"warm": (224, 142, 84), "cool": (86, 138, 176), "earth": (126, 120, 84)}
SKY = {"golden_hour": 1.0, "bright_noon": 1.25, "dusk": 0.6}
HOLDOUT = 0.10


def thumb(genome: dict[str, str], rng: np.random.Generator) -> bytes:
    """A gradient backdrop with a bottle-like shape: enough to tell ads apart in a picture of the report."""
    height, width = 250, 300
    y = np.linspace(0, 1, height)[:, None, None]
    x = np.linspace(0, 1, width)[None, :, None]
    base = np.array(HUES[genome["palette"]], float)[None, None] * SKY[genome["light"]]
    horizon = 0.45 + 0.1 * SPACE["scene"].index(genome["scene"])
    ground = np.where(y > horizon, 0.62, 1.0) * (0.85 + 0.25 * (1 - y)) + 0.08 * np.sin(9 * x + 3 * y)
    pixels = base * ground + rng.normal(0, 3, (height, width, 1))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((190, 90, 240, 215), 12, fill=(28, 46, 52))
    draw.rectangle((206, 66, 224, 94), fill=(28, 46, 52))
    draw.rectangle((194, 130, 236, 175), fill=(240, 234, 220))
    draw.rectangle((22, 60, 160, 72), fill=(250, 248, 242))
    draw.rectangle((22, 84, 130, 96), fill=(250, 248, 242))
    draw.rounded_rectangle((22, 190, 100, 216), 5, fill=(23, 94, 89))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def _card(
    segment: str, genome: dict[str, str], rng: np.random.Generator, born: int, parents: tuple[str, ...]
) -> ArmCard:
    copy = Copy(HEADLINES[genome["headline"]], "Cold brew without the wait.", "Try it")
    seed = int(rng.integers(2**31))
    key = hashlib.sha256(f"{segment}{genome}{seed}".encode()).hexdigest()
    return ArmCard(
        arm_id=arm_id({"300x250": key}, copy, "https://example.com"),
        segment=segment,
        genome=Genome.of(genome).as_dict(),
        copy=copy,
        born=START + timedelta(days=born),
        parents=parents,
        approved_by="M. Keller" if born == 0 else "",
        rule="" if born == 0 else "demo-standing-rule",
        thumb=thumb(genome, rng),
        sizes=("300x250", "728x90", "1080x1080"),
        prompt=f"{genome['scene'].replace('_', ' ')}, {genome['light'].replace('_', ' ')}, {genome['palette']} palette, room for a bottle",
        seed=seed,
        model="embedded@3f1c9a",
        control=born == 0,
    )


def _draw_genome(rng: np.random.Generator) -> dict[str, str]:
    return {a: str(rng.choice(options)) for a, options in SPACE.items()}


def _truth(segment: str, genome: dict[str, str]) -> float:
    """The simulated click-through rate: an element model with one taste per segment."""
    log_rate = np.log(0.011)
    log_rate += {"beach": 0.0, "kitchen_counter": 0.16, "marble_tabletop": 0.05, "studio_podium": -0.14}[
        genome["scene"]
    ]
    log_rate += {"golden_hour": 0.14, "bright_noon": 0.0, "dusk": -0.08}[genome["light"]]
    log_rate += 0.1 * (segment == "commuters" and genome["headline"] == "time")
    return float(np.exp(log_rate))


def report(seed: int = 1) -> CampaignReport:
    """A whole report of a simulated market."""
    rng = np.random.default_rng(seed)
    cards: list[ArmCard] = []
    shares_rows, day_rows, posterior_rows, nights = [], [], [], {i: [] for i in range(NIGHTS)}
    counts = {i: [0, 0, 0] for i in range(NIGHTS)}
    for segment in SEGMENTS:
        mine = [_card(segment, _draw_genome(rng), rng, 0, ()) for _ in range(4)]
        starting = [c.arm_id for c in mine]
        retired: dict[str, tuple[int, str]] = {}
        score = {c.arm_id: 0.0 for c in mine}
        before: dict[str, float] = {}
        for night in range(NIGHTS):
            day = START + timedelta(days=night)
            if night in (4, 8, 11):
                live = [c for c in mine if c.arm_id not in retired]
                ranked = sorted(live, key=lambda c: score[c.arm_id])
                worst, best = ranked[0], ranked[-1]
                retired[worst.arm_id] = (
                    night,
                    f"its chance of being best fell to {rng.uniform(0.2, 1):.1f} %",
                )
                genome = {**best.genome, "scene": "kitchen_counter", "light": str(rng.choice(SPACE["light"]))}
                child = _card(segment, genome, rng, night, (best.arm_id, ranked[-2].arm_id)[: 1 + night % 2])
                mine.append(child)
                score[child.arm_id] = score[best.arm_id]
                counts[night][0] += 1
                counts[night][1] += 1
                nights[night].append((segment, child, worst, retired[worst.arm_id][1], best))
            live = [c for c in mine if c.arm_id not in retired]
            logits = np.array([score[c.arm_id] for c in live])
            part = np.exp(0.11 * logits) / np.exp(0.11 * logits).sum()
            optimised = {c.arm_id: (1 - HOLDOUT) * p for c, p in zip(live, part, strict=True)}
            control = {a: HOLDOUT / len(starting) for a in starting}
            for arm in {**control, **optimised}:
                share = optimised.get(arm, 0.0) + control.get(arm, 0.0)
                shares_rows.append(
                    {
                        "day": day,
                        "segment": segment,
                        "arm_id": arm,
                        "share": share,
                        "control_share": control.get(arm, 0.0),
                    }
                )
                card = next(c for c in mine if c.arm_id == arm)
                shown = int(rng.poisson(26_000 * share))
                clicks = int(rng.binomial(shown, _truth(segment, dict(card.genome)))) if shown else 0
                conversions = float(rng.binomial(clicks, 0.06))
                day_rows.append(
                    {
                        "segment": segment, "arm_id": arm, "day": day, "impressions": shown, "clicks": clicks, "conversions": conversions,
                        "revenue_micros": int(conversions * 39_900_000), "spend_micros": shown * 4_200, "share": share,
                    }
                )  # fmt: skip
                if arm in optimised:
                    score[arm] += (clicks - shown * 0.0115) / 12
            counts[night][2] += sum(abs(optimised[a] - before.get(a, 0)) > 0.01 for a in optimised)
            before = optimised
        totals = {c.arm_id: [0, 0] for c in mine}
        for row in day_rows:
            if row["segment"] == segment:
                totals[row["arm_id"]][0] += row["clicks"]
                totals[row["arm_id"]][1] += row["impressions"]
        live_ids = [c.arm_id for c in mine if c.arm_id not in retired]
        draws = np.stack([rng.gamma(totals[a][0] + 4, 1 / (totals[a][1] + 330), 4000) for a in live_ids])
        p_best = np.bincount(draws.argmax(0), minlength=len(live_ids)) / 4000
        last = {
            r["arm_id"]: r
            for r in shares_rows
            if r["segment"] == segment and r["day"] == START + timedelta(days=NIGHTS - 1)
        }
        for arm, sample, p in zip(live_ids, draws, p_best, strict=True):
            low, high = np.quantile(sample, [0.05, 0.95])
            posterior_rows.append(
                {
                    "segment": segment, "arm_id": arm, "share": last[arm]["share"], "control_share": last[arm]["control_share"],
                    "p_best": float(p), "mean": float(sample.mean()), "low": float(low), "high": float(high),
                }
            )  # fmt: skip
        mine.append(_card(segment, _draw_genome(rng), rng, NIGHTS, (live_ids[int(p_best.argmax())],)))
        for i, c in enumerate(mine):
            if c.arm_id in retired:
                night, why = retired[c.arm_id]
                mine[i] = replace(c, state="retired", retired=START + timedelta(days=night), retired_why=why)
        mine[-1] = replace(mine[-1], state="pending", approved_by="", rule="")
        cards += mine
    as_of = datetime(2026, 3, 16, 4, 30, tzinfo=UTC)
    notes = []
    for night in range(NIGHTS):
        day = START + timedelta(days=night)
        events = nights[night]
        earlier = {
            (r["segment"], r["arm_id"]): r["share"]
            for r in shares_rows
            if r["day"] == day - timedelta(days=1)
        }
        line = night_sentence(
            day,
            version=night + 1,
            moved=[
                Move(r["arm_id"], r["segment"], earlier[r["segment"], r["arm_id"]], r["share"])
                for r in shares_rows
                if r["day"] == day and (r["segment"], r["arm_id"]) in earlier
            ],
            retired=[Change(worst.arm_id, s, why) for s, _, worst, why, _ in events],
            born=[
                Change(child.arm_id, s, f"grown from {best.arm_id} with a kitchen counter, expected +9 %")
                for s, child, _, _, best in events
            ],
            simulated=True,
        )
        notes.append(NightNote(day, night + 1, (line,), *counts[night]))
    effect_rows = []
    for attribute, options in SPACE.items():
        for option in options:
            true = {
                "kitchen_counter": 0.14,
                "golden_hour": 0.11,
                "studio_podium": -0.15,
                "dusk": -0.09,
                "time": 0.04,
            }.get(option, 0.01)
            mid, half = true + rng.normal(0, 0.02), rng.uniform(0.05, 0.08)
            effect_rows.append(
                {
                    "attribute": attribute,
                    "option": option,
                    "segment": None,
                    "effect": mid,
                    "low": mid - half,
                    "high": mid + half,
                }
            )
    effect_rows.append(
        {
            "attribute": "headline",
            "option": "time",
            "segment": "commuters",
            "effect": 0.12,
            "low": 0.03,
            "high": 0.21,
        }
    )
    cost_rows = [
        {"day": START + timedelta(days=n), "kind": kind, "seconds": s, "micros": m}
        for n in (0, 4, 8, 11, 13)
        for kind, s, m in (
            ("generate", float(rng.uniform(200, 420)), 60_000),
            ("compose", float(rng.uniform(20, 40)), 4_000),
            ("check", 6.0, 0),
        )
    ]
    files = tuple(
        InputFile(
            name=f"google_ads_{(START + timedelta(days=n)):%Y%m%d}.csv",
            sha256=hashlib.sha256(f"file {n}".encode()).hexdigest(),
            platform="google_ads",
            arrived=datetime(2026, 3, 3, 3, 10, tzinfo=UTC) + timedelta(days=n),
            first_day=START + timedelta(days=max(0, n - 6)),
            last_day=START + timedelta(days=n),
            rows=84 + 12 * n,
            stamp=datetime(2026, 3, 3, 2, 58, tzinfo=UTC) + timedelta(days=n),
        )
        for n in range(NIGHTS)
    )
    return CampaignReport(
        campaign=CampaignView(
            key="cold_brew_spring",
            brand="Nordlicht Coffee",
            brief="Win first-time buyers of our ready-to-drink cold brew in spring, with the bottle always as it is.",
            kpi="ctr",
            currency="EUR",
            start=START,
            end=date(2026, 3, 29),
            zone="Europe/Berlin",
            segments=SEGMENTS,
            holdout=HOLDOUT,
            conversion_window_days=7,
            stale_after_days=3,
        ),
        simulated="drift market, seed 1",
        as_of=as_of,
        run_id="cold_brew_spring/2026-03-15",
        versions={"dco": "0.1.0", "python": "3.11.2", "numpy": "2.3.1"},
        hashes={
            "campaign file": hashlib.sha256(b"campaign").hexdigest(),
            "model folder": hashlib.sha256(b"model").hexdigest(),
        },
        files=files,
        restatements=(Restatement(date(2026, 3, 9), "impressions", 77_802, 77_411, files[9].name),),
        shares_over_time=pa.Table.from_pylist(shares_rows, SHARES_OVER_TIME),
        arm_days=pa.Table.from_pylist(day_rows, schemas.ARM_DAYS),
        shares=pa.Table.from_pylist(posterior_rows, schemas.SHARES),
        effects=pa.Table.from_pylist(effect_rows, EFFECTS),
        arms=tuple(cards),
        gain=Gain(0.142, 0.061, 0.223),
        gain_table=(
            GainRow("equal split of all ads", 0.094, 0.031, 0.157, "same ads, no learning of shares"),
            GainRow("A/B test, then commit", 0.067, -0.008, 0.142, "one week of test, then the winner"),
            GainRow(
                "an oracle that knows the truth",
                -0.058,
                -0.081,
                -0.035,
                "the best any method could do",
                simulated_only=True,
            ),
        ),
        nights=tuple(notes),
        costs=pa.Table.from_pylist(cost_rows, COSTS),
        unsettled=tuple(Unsettled(START + timedelta(days=n), 0.7 + 0.03 * (13 - n)) for n in (11, 12, 13)),
        placements=(PlacementNote("display", "cm360", "rotation", "randomised"),),
        method=(
            "Shares are set by hierarchical Thompson sampling with a floor of 2 % and a nightly step of at most 25 points",
        ),
    )
