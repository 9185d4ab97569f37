"""What each command does: a job, and its result in print. Heavy imports stay inside the functions."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path

from dco.cli.console import bar, say, say_json, steps
from dco.errors import BadInput, UnknownName
from dco.jobs.clock import now

NEEDS_A_PERSON = 6


def init(args: Namespace) -> None:
    from dco.jobs.init import init as write

    for path in write(Path(args.folder)):
        say(f"wrote {path}")
    say(f"\nnext: edit {args.folder}/campaign.yaml, then `dco generate {args.folder}`")


def demo(args: Namespace) -> None:
    from dco.jobs.demo import demo as show

    show(Path(args.folder), nights=args.nights, seed=args.seed, say=say, progress=bar)


def try_ad(args: Namespace) -> None:
    from dco.jobs.try_ad import try_ad as make

    tried = make(
        Path(args.photo), args.headline, args.link, Path(args.folder),
        cta=args.cta, backend=args.backend, progress=bar("backdrops"),
    )  # fmt: skip
    for reason in tried.not_made:
        say(f"not made: {reason}")
    say(f"{len(tried.files)} ads in {tried.folder}; look at {tried.sheet}")


def moodboard(args: Namespace) -> None:
    from dco.jobs.moodboard import moodboard as make_board

    width, _, height = args.size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise BadInput(f"--size: expected a size such as 720x720, got '{args.size}'")
    board = make_board(
        args.text, Path(args.folder),
        count=args.count, size=(int(width), int(height)), backend=args.backend, progress=bar("pictures"),
    )  # fmt: skip
    if board.understood:
        say("understood: " + ", ".join(f"{a} {word}" for a, word in board.understood.items()))
    if board.unknown or board.contradicted:
        say("not understood: " + ", ".join((*board.unknown, *board.contradicted)))
        say("  free text needs a real checkpoint: --backend FOLDER")
    for reason in board.not_made:
        say(f"not made: {reason}")
    say(f"{len(board.files)} pictures; look at {board.sheet}")


def check(args: Namespace) -> None:
    path = Path(args.report)
    if path.is_dir() or path.suffix.lower() in (".yaml", ".yml"):
        from dco.jobs.check_campaign import check_campaign

        found = check_campaign(path)
        say_json(found.as_dict()) if args.json else say(str(found))
        return
    from dco.jobs.check import check as read

    summary = read(path, now=now())
    say_json(summary.as_dict()) if args.json else say(str(summary))


def rehearse(args: Namespace) -> None:
    from dco.jobs.rehearse import rehearse as play
    from dco.jobs.rehearse import write_page
    from dco.jobs.rehearse_options import Choice
    from dco.jobs.traffic import Stated
    from dco.reports.rehearsal import as_dict, text

    choice = Choice(
        args.market,
        args.scenario,
        args.runs,
        args.nights,
        args.seed,
        args.quick,
        args.workers,
        args.approval_nights,
    )
    stated = Stated(args.daily_impressions, args.cpm, args.ctr, args.cvr, args.order_value)
    found = play(args.campaign, choice, stated, progress=bar("rehearsing"))
    page = write_page(args.campaign, found)
    if args.json:
        say_json(as_dict(found) | {"page": page})
        return
    say(text(found))
    say(f"\nlook at {page}")


def generate(args: Namespace) -> None:
    from dco.jobs.deliver import write_gallery
    from dco.jobs.desk import open_desk
    from dco.jobs.draft import missed_line, start

    with open_desk(args.campaign) as desk, _watched(args.preview):
        batch = start(desk, now=now(), per_segment=args.per_segment, progress=bar("pictures"))
        if line := missed_line(batch, most=len(batch.not_made)):
            say(line)
        say(f"{len(batch.made)} creatives, {batch.pictures} pictures, {batch.seconds:.0f} s of drawing")
        for segment, apart in batch.spread.items():
            say(f"  {segment}: backdrops are {apart:.0f} dE apart in colour on average")
        say(f"look at {write_gallery(desk)}")
        say(f"then: dco approve {args.campaign} all --by 'your name'")


def _watched(folder: str) -> AbstractContextManager[None]:
    if not folder:
        return nullcontext()
    from dco.jobs.preview import latest, shown_to

    return shown_to(latest(Path(folder), steps))


def import_pictures(args: Namespace) -> int:
    from dco.jobs.deliver import write_gallery
    from dco.jobs.desk import open_desk
    from dco.jobs.import_pictures import import_pictures as take

    with open_desk(args.campaign) as desk:
        done = take(
            desk, Path(args.folder), segments=args.segment, license=args.license,
            by=args.by or getpass.getuser(), now=now(), progress=bar("pictures"),
        )  # fmt: skip
        gallery = write_gallery(desk) if done.new else None
    if args.json:
        say_json(asdict(done) | {"gallery": gallery})
    else:
        for one in done.taken:
            state = "drafted" if one.new else "unchanged"
            say(f"{state} {one.name} for {one.segment} from {one.file}: {'; '.join(one.notes)}")
        for line in done.warnings:
            say(f"warning: {line}; look at it before you approve")
        for line in (*(f"refused: {reason}" for reason in done.refused), *done.ways):
            say(line)
        say(f"{done.new} new creatives under licence {done.licence}")
        if gallery:
            say(f"look at {gallery}")
            say(f"then: dco approve {args.campaign} all --by 'your name'")
    return BadInput.exit_code if done.refused else 0


def approve(args: Namespace) -> None:
    from dco.jobs.approve import approve as decide
    from dco.jobs.desk import open_desk

    with open_desk(args.campaign) as desk:
        ids = decide(desk, args.arms, by=args.by or getpass.getuser(), now=now())
    say(f"approved {len(ids)}: {', '.join(ids) or 'nothing waits'}")


def reject(args: Namespace) -> None:
    from dco.jobs.approve import reject as decide
    from dco.jobs.desk import open_desk

    with open_desk(args.campaign) as desk:
        ids = decide(desk, args.arms, by=args.by or getpass.getuser(), reason=args.why, now=now())
    say(f"rejected {len(ids)}: {', '.join(ids) or 'nothing waits'}")


def ingest(args: Namespace) -> int:
    from dco.jobs.desk import open_desk
    from dco.jobs.ingest import ingest_file, ingest_inbox

    with open_desk(args.campaign) as desk:
        if args.files:
            taken = [ingest_file(desk, Path(f), now=now()) for f in args.files]
        else:
            taken = ingest_inbox(desk, now=now())
    if args.json:
        say_json([asdict(t) for t in taken])
    for t in taken if not args.json else ():
        days = f", {t.first_day} to {t.last_day}" if t.first_day else ""
        say(
            f"{t.name}: {t.status}, {t.rows} rows ({t.ours} of our ads){days}{'; ' + t.problem if t.problem else ''}"
        )
    if not taken and not args.json:
        say("the inbox is empty")
    return BadInput.exit_code if any(t.status == "refused" for t in taken) else 0


def nightly(args: Namespace) -> int:
    from dco.jobs.nightly import nightly as run

    try:
        day = date.fromisoformat(args.date) if args.date else None
    except ValueError:
        raise BadInput(f"--date: expected a date such as 2026-09-01, got '{args.date}'") from None
    night = run(args.campaign, now=now(), day=day, progress=bar("pictures"))
    if args.json:
        say_json(asdict(night))
    else:
        say(("(done before, nothing changed) " if night.already_done else "") + night.sentence())
        if night.missed_line:
            say(night.missed_line)
        for line in night.alerts:
            say(f"ALERT  {line}")
        for name, path in night.outputs.items():
            say(f"  {name}: {path}")
    return NEEDS_A_PERSON if night.alerts else 0


def scheduler(args: Namespace) -> int:
    from dco.schedule import Schedule, run_due, serve_forever

    schedule = Schedule.of(args.campaigns, at=args.at, alert_after_hours=args.alert_after)
    if args.once:
        return run_due(schedule, now=now(), say=say)
    serve_forever(schedule, say=say)
    return 0


def publish(args: Namespace) -> None:
    from dco.jobs.desk import open_desk
    from dco.jobs.publish import publish_arms

    with open_desk(args.campaign) as desk:
        say(f"version {publish_arms(desk, args.arms, now=now())} is live")


def report(args: Namespace) -> None:
    from dco.jobs.deliver import write_gallery, write_report
    from dco.jobs.desk import open_desk

    with open_desk(args.campaign) as desk:
        say(f"report: {write_report(desk, now=now())}")
        say(f"gallery: {write_gallery(desk)}")


def shadow(args: Namespace) -> None:
    from dco.jobs.shadow import shadow as replay
    from dco.jobs.shadow import write_page
    from dco.reports.shadow import table

    files = [Path(f) for f in args.reports]
    found = replay(args.campaign, now=now(), reports=files, lever=args.lever, progress=bar("nights"))
    page = write_page(found, args.campaign)
    if args.json:
        say_json(found.as_dict() | {"page": page})
        return
    say(table(found))
    say(f"\nlook at {page}")


def status(args: Namespace) -> None:
    from dco.jobs.desk import open_desk
    from dco.jobs.status import status as read
    from dco.reports.plain import status_text

    with open_desk(args.campaign) as desk:
        found = read(desk, now=now())
    if args.json:
        say_json({**asdict(found.state), "nights": found.nights})
        return
    say(status_text(found.state))
    for line in found.nights:
        say(f"  {line}")


def explain(args: Namespace) -> None:
    from dco.jobs.desk import open_desk
    from dco.jobs.explain import explain as read
    from dco.reports.reasons import text

    try:
        day = date.fromisoformat(args.day) if args.day else None
    except ValueError:
        raise BadInput(f"--day: expected a date such as 2026-09-01, got '{args.day}'") from None
    with open_desk(args.campaign) as desk:
        found = read(desk, day=day, arm=args.arm)
    say_json(found.as_dict()) if args.json else say(text(found))


def model(args: Namespace) -> None:
    if args.action == "add":
        _add_model(args)
        return
    if args.folder:
        raise BadInput(
            f"dco model {args.action}: {args.folder!r} is one word too many; FOLDER belongs to `dco model add`"
        )
    if args.action == "gates":
        from dco.generate.quality import calibrate

        work = Path(args.work) if args.work else None
        found = calibrate.calibrate(args.samples, folder=args.out, work=work, say=say)
        calibrate.write(found)
        say(str(found))
        return
    from dco.generate import training

    out = Path(args.out)
    if args.action == "evaluate":
        measured = training.evaluate(out, args.samples)
        say(str(measured))
        if args.record:
            training.record(out, measured)
        return
    if args.action == "tune":
        from dco.generate.tuning.tune import tune

        if not args.pictures or args.out == "data/models/embedded":
            raise BadInput("dco model tune: expected --pictures FOLDER and --out FOLDER of the new adapter")
        tune(
            Path(args.base), Path(args.pictures), out, steps=args.steps, rank=args.rank, words=args.words,
            rights=args.rights, device=args.device, progress=say,
        )  # fmt: skip
        return
    if args.judge_only:
        training.train_judge(
            out, recipe=args.recipe, workers=args.workers, work=Path(args.work) if args.work else None,
            device=args.device, progress=say,
        )  # fmt: skip
        return
    training.train(
        out, recipe=args.recipe, minutes=args.minutes, workers=args.workers, resume=args.resume,
        work=Path(args.work) if args.work else None, device=args.device, progress=say,
    )  # fmt: skip


def _add_model(args: Namespace) -> None:
    from dco.generate.models.licence import write_record

    if not args.folder:
        raise BadInput("dco model add: expected FOLDER, --license ID and --source URL")
    record = write_record(
        args.folder, licence=args.license, source=args.source, commercial=args.commercial,
        by=args.by or getpass.getuser(), day=now().date().isoformat(),
    )  # fmt: skip
    say(f"{args.folder}: {record.licence}, commercial use {record.commercial}, on record by {record.by}")


def study(args: Namespace) -> None:
    """A study lives in the repository, not in the package; it is run from a checkout."""
    import runpy

    folder = Path("experiments/studies")
    known = sorted(p.parent.name for p in folder.glob("*/__main__.py"))
    if args.name not in known:
        raise UnknownName(
            "study", args.name, known, where=f"{folder} (run this in a checkout of the project)"
        )
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = [f"dco study {args.name}", *args.options]
    runpy.run_module(f"experiments.studies.{args.name}", run_name="__main__")


def bench(args: Namespace) -> int:
    from dco.jobs.bench import Options, as_dict, facts, run, table

    def note(text: str) -> None:
        print(f"measuring: {text}", file=sys.stderr, flush=True)

    options = Options(args.device, args.repeats, args.quick, note)
    rows = run(args.name, options)
    if args.json:
        say_json(as_dict(args.name, rows))
    else:
        say("; ".join(f"{name} {value}" for name, value in facts().items()))
        say(table(rows))
    return 1 if any(row.ok is False for row in rows) else 0
