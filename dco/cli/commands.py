"""The table of commands: name, one line of help, an example, arguments. No command's work is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass

EXECUTOR_HELP = """\
where pictures are made (environment):
  DCO_EXECUTOR   local (default): in this process
                 ray, ray:2: workers on this machine, one per GPU or CPU, or two; needs the extra dco[cluster]
                 ray@HOST:PORT: workers of a running Ray cluster, which has the model's folder at the same path
  DCO_CPU_WATTS, DCO_GPU_WATTS   for the energy estimate, where the machine's own meters cannot be read
"""

EXIT_CODES = """\
exit codes:
  0  done (also: this night was done before, nothing changed)
  1  it could not be done           2  wrong input or usage
  3  refused by a rule              4  the store cannot be used
  5  another process holds this night
  6  the night is done, but something needs a person (see `dco status`)
"""

CAMPAIGN = "campaign file, or the folder that holds campaign.yaml"


@dataclass(frozen=True)
class Command:
    """`run` names a function of dco.cli.run that takes the parsed arguments and returns an exit code or None."""

    name: str
    help: str
    example: str
    arguments: Callable[[ArgumentParser], None]
    run: str
    more: str = ""
    """What its help says after the example."""


def _none(p: ArgumentParser) -> None: ...


def _campaign(p: ArgumentParser) -> None:
    p.add_argument("campaign", metavar="CAMPAIGN", help=CAMPAIGN)


def _json(p: ArgumentParser) -> None:
    p.add_argument("--json", action="store_true", help="print the result as JSON for programs")


def _init(p: ArgumentParser) -> None:
    p.add_argument("folder", metavar="FOLDER", help="a new folder for the campaign")


def _demo(p: ArgumentParser) -> None:
    p.add_argument(
        "--folder", default="demo", help="where everything is written (default: ./demo, made anew)"
    )
    p.add_argument("--nights", type=int, default=14, help="how many nights (default 14)")
    p.add_argument("--seed", type=int, default=7, help="seed of the simulated market")


def _try(p: ArgumentParser) -> None:
    p.add_argument("photo", metavar="PHOTO", help="a product photo: PNG with alpha, or on a plain background")
    p.add_argument("headline", metavar="HEADLINE", help="the words of the ad, in quotes")
    p.add_argument("link", metavar="URL", help="the landing page, https://...")
    p.add_argument("--cta", default="Learn more", help="words of the button")
    p.add_argument("--folder", default="try", help="where the ads are written (default: ./try)")
    p.add_argument(
        "--backend", default="embedded", help="a backend or a diffusers folder (default: embedded)"
    )


def _moodboard(p: ArgumentParser) -> None:
    p.add_argument("text", metavar="TEXT", help="what to show, in quotes")
    p.add_argument("--folder", default="moodboard", help="where the board is written (default: ./moodboard)")
    p.add_argument("--count", type=int, default=12, help="how many pictures (default 12)")
    p.add_argument("--size", default="720x720", help="pixels of each (default 720x720)")
    p.add_argument(
        "--backend", default="embedded", help="a backend or a diffusers folder (default: embedded)"
    )


def _check(p: ArgumentParser) -> None:
    p.add_argument(
        "report", metavar="REPORT", help="a report as downloaded from the platform, or a campaign's folder"
    )
    _json(p)


def _generate(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument(
        "--per-segment", type=int, help="how many per segment (default: the campaign file's number)"
    )
    p.add_argument(
        "--preview", metavar="FOLDER", default="", help="keep the latest look at a picture in the making here"
    )


def _import(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument("folder", metavar="FOLDER", help="a folder of PNG, JPEG or WebP pictures made elsewhere")
    p.add_argument(
        "--segment",
        action="append",
        default=[],
        help="an audience that gets them; may be repeated (default: all)",
    )
    p.add_argument(
        "--license", default="", help="SPDX id or LicenseRef-... (default: the folder's LICENSE file)"
    )
    p.add_argument("--by", default="", help="who brings them (default: the user name)")
    _json(p)


def _approve(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument("arms", metavar="ARM", nargs="+", help="arm ids or their first digits, or 'all' that wait")
    p.add_argument("--by", default="", help="who approves (default: the user name)")


def _reject(p: ArgumentParser) -> None:
    _approve(p)
    p.add_argument("--why", default="", help="the reason, kept with the creative")


def _ingest(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument("files", metavar="FILE", nargs="*", help="report files (default: everything in the inbox)")
    _json(p)


def _nightly(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument(
        "--date", help="the business date to run, YYYY-MM-DD (default: today in the campaign's zone)"
    )
    _json(p)


def _scheduler(p: ArgumentParser) -> None:
    p.add_argument("campaigns", metavar="CAMPAIGN", nargs="+", help=CAMPAIGN)
    p.add_argument(
        "--at", default="03:00", help="local time of the campaign's zone from which a night is due"
    )
    p.add_argument(
        "--alert-after", type=float, default=26.0, help="hours without a finished night before an alert"
    )
    p.add_argument("--once", action="store_true", help="run what is due now, then exit")


def _publish(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument("arms", metavar="ARM", nargs="+", help="approved arm ids to serve on equal shares")


def _model(p: ArgumentParser) -> None:
    p.add_argument(
        "action",
        choices=["train", "evaluate", "tune", "add", "gates"],
        help="train the embedded model, measure it, teach a model your brand's look from your own pictures, put on "
        "record under which licence a model folder may be used, or find the quality gates' limits anew (gates: "
        "--samples good pictures to fit, as many to measure; 400 or more)",
    )
    p.add_argument("folder", metavar="FOLDER", nargs="?", default="", help="add: the model folder")
    p.add_argument("--out", default="data/models/embedded", help="the model's folder")
    p.add_argument(
        "--work", default="", help="scratch folder for renders and checkpoints (default: beside --out)"
    )
    p.add_argument(
        "--recipe",
        default="small",
        help="small (for a CPU, about three quarters of an hour), large (256 px, for a GPU) or tiny (seconds)",
    )
    p.add_argument("--minutes", type=float, default=20.0, help="wall time of the denoiser's training")
    p.add_argument("--workers", type=int, default=2, help="training processes, one thread each")
    p.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint, or from the folder's weights"
    )
    p.add_argument(
        "--judge-only",
        action="store_true",
        help="teach only the adherence classifier today's renders, after scenes were repainted",
    )
    p.add_argument(
        "--device", choices=["cpu", "cuda"], help="where to train (default: a GPU where there is one)"
    )
    p.add_argument("--samples", type=int, default=100, help="pictures to evaluate")
    p.add_argument("--record", action="store_true", help="write what was measured into the model's card")
    tune = p.add_argument_group("tune: a LoRA adapter from a folder of your own pictures")
    tune.add_argument("--base", default="data/models/embedded", help="the diffusers folder to teach")
    tune.add_argument("--pictures", default="", help="folder of pictures, with captions.csv (file, caption)")
    tune.add_argument("--words", default="", help="caption of the pictures that have none of their own")
    tune.add_argument("--rights", default="", help="who allows these pictures to be used, for the record")
    tune.add_argument("--steps", type=int, default=400, help="training steps (default 400)")
    tune.add_argument("--rank", type=int, default=8, help="rank of the adapter (default 8)")
    add = p.add_argument_group("add: without a licence record, what a model drew stays a draft")
    add.add_argument("--license", default="", help="SPDX id such as Apache-2.0, or LicenseRef- and a name")
    add.add_argument("--source", default="", help="https:// address where the licence stands")
    add.add_argument(
        "--commercial", default="", help="yes, no or unknown (default: what the licence is known for)"
    )
    add.add_argument("--by", default="", help="who read it (default: the user name)")


def _study(p: ArgumentParser) -> None:
    p.add_argument("name", metavar="NAME", help="a folder of experiments/studies, e.g. headlines")
    p.add_argument("options", nargs="*", metavar="OPTION", help="options of the study, after --")


def _bench(p: ArgumentParser) -> None:
    p.add_argument("name", metavar="NAME", help="what to measure, e.g. generate")
    p.add_argument(
        "--device", default="cpu", choices=["cpu", "cuda"], help="where the model runs (default: cpu)"
    )
    p.add_argument("--repeats", type=int, default=5, help="turns whose median is taken (default 5)")
    p.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    _json(p)


def _status(p: ArgumentParser) -> None:
    _campaign(p)
    _json(p)


def _shadow(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument(
        "--reports", metavar="FILE", nargs="+", default=[],
        help="exports by ad and day of ads that need not be ours (default: the campaign's own ledger)",
    )  # fmt: skip
    p.add_argument(
        "--lever",
        choices=["served", "rotation", "budget", "switch"],
        help="how the shares in --reports came about (default switch: the platform chose, so nothing can be told)",
    )
    _json(p)


def _rehearse(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument(
        "--scenario", metavar="KEY=N", action="append", default=[],
        help="compare with the plan: start=8 creatives per segment, new=0 a night, budget=2 (times), nights=30; joined by "
        "commas, may be repeated; 'none' for the plan alone (default: a set of neighbours)",
    )  # fmt: skip
    p.add_argument(
        "--market", metavar="NAME", action="append", default=[],
        help="a kind of truth; may be repeated (default: faint, additive, interactions, drift, null)",
    )  # fmt: skip
    p.add_argument("--nights", type=int, help="nights to simulate (default: the flight, at most 42)")
    p.add_argument("--runs", type=int, help="runs of the plan per market (default 8; scenarios take a third)")
    p.add_argument("--seed", type=int, default=1, help="seed of the simulated markets (default 1)")
    p.add_argument(
        "--quick", action="store_true", help="fewer nights, runs and scenarios: a first look in seconds"
    )
    p.add_argument("--workers", type=int, default=2, help="processes; the answer is the same (default 2)")
    told = p.add_argument_group("traffic, where the workspace has no reports, or to replace what they say")
    told.add_argument(
        "--daily-impressions", type=int, help="a day, over all segments (default: budget by --cpm)"
    )
    told.add_argument(
        "--cpm", type=float, help="cost of 1,000 impressions (default 4, in currencies like EUR or USD)"
    )
    told.add_argument("--ctr", type=float, help="clicks per impression (default 0.005)")
    told.add_argument("--cvr", type=float, help="conversions per click (default 0.02)")
    told.add_argument("--order-value", type=float, help="value of a conversion (default 50)")
    told.add_argument(
        "--approval-nights", type=int,
        help="nights from an idea to its first impression (default: 2 by a person, 1 by a standing rule)",
    )  # fmt: skip
    _json(p)


def _explain(p: ArgumentParser) -> None:
    _campaign(p)
    p.add_argument("arm", metavar="ARM", nargs="?", default="", help="one creative: its id or first digits")
    p.add_argument("--day", help="the night to explain, YYYY-MM-DD (default: the newest)")
    _json(p)


COMMANDS = (
    Command("init", "write a commented campaign file and a sample brand", "dco init my-campaign", _init, "init"),
    Command("demo", "the whole job on a sample brand and a simulated market", "dco demo", _demo, "demo"),
    Command(
        "try", "your photo, headline and link as twelve ads",
        'dco try mug.png "Coffee, slowly" https://shop.example/mug', _try, "try_ad",
    ),
    Command(
        "moodboard", "backdrops for your words, and which of them were not understood",
        "dco moodboard 'calm beach in autumn, copy space left'", _moodboard, "moodboard",
    ),
    Command("check", "a report's totals to the cent, or a campaign file: the line that is wrong", "dco check report.csv", _check, "check"),
    Command(
        "rehearse", "what budget, creatives and nights would buy, on simulated markets",
        "dco rehearse my-campaign --cpm 6 --ctr 0.008", _rehearse, "rehearse",
    ),
    Command("generate", "make the starting creatives of a campaign", "dco generate my-campaign", _generate, "generate", EXECUTOR_HELP),
    Command(
        "import", "pictures made elsewhere as creatives that wait for approval",
        "dco import my-campaign pictures --license CC-BY-4.0", _import, "import_pictures",
    ),
    Command("approve", "approve creatives that wait", "dco approve my-campaign all --by 'Jane Doe'", _approve, "approve"),
    Command("reject", "reject creatives that wait", "dco reject my-campaign dco1a2b --why 'too dark'", _reject, "reject"),
    Command("ingest", "read reports into the ledger", "dco ingest my-campaign report.csv", _ingest, "ingest"),
    Command("nightly", "one night's work, once", "dco nightly my-campaign", _nightly, "nightly", EXECUTOR_HELP),
    Command("scheduler", "run every campaign's night when it is due", "dco scheduler my-campaign", _scheduler, "scheduler", EXECUTOR_HELP),
    Command("publish", "serve chosen approved creatives now", "dco publish my-campaign dco1a2b dco3c4d", _publish, "publish"),
    Command("report", "write the campaign report and the gallery", "dco report my-campaign", _campaign, "report"),
    Command(
        "shadow", "what the engine would have done with the past, and what that is worth",
        "dco shadow my-campaign --reports last-90-days.csv --lever rotation", _shadow, "shadow",
    ),
    Command("status", "what happened, what waits, and why", "dco status my-campaign", _status, "status"),
    Command("explain", "every decision of a night as sentences: shares, ideas, retirements, money", "dco explain my-campaign", _explain, "explain"),
    Command("model", "train, measure or tune a diffusion model", "dco model train --minutes 20", _model, "model"),
    Command("bench", "figures beside a plain way of doing it", "dco bench generate", _bench, "bench"),
    Command("study", "rerun a study of the engine", "dco study headlines", _study, "study"),
)  # fmt: skip
