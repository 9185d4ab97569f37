"""`python -m dco.generate.training`: train the embedded model, or measure one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dco.errors import DcoError


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dco.generate.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="model folder to write or to measure")
    parser.add_argument("--recipe", default="small", help="small (default) or tiny")
    parser.add_argument("--minutes", type=float, default=20.0, help="wall time of the denoiser's training")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--work", type=Path, help="scratch folder, 4 GB; default: OUT.work")
    parser.add_argument("--resume", action="store_true", help="go on from the scratch folder, or from OUT")
    parser.add_argument("--evaluate", type=int, metavar="N", help="only measure OUT with N pictures")
    given = parser.parse_args()
    try:
        if given.evaluate is None:
            from dco.generate.training.run import train

            train(
                given.out,
                given.recipe,
                given.minutes,
                given.workers,
                given.resume,
                lambda line: print(line, flush=True),
                work=given.work,
            )
        else:
            from dco.generate.training.assemble import record
            from dco.generate.training.measure import evaluate

            measured = evaluate(given.out, given.evaluate)
            print(measured)
            record(given.out, measured)
    except DcoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
