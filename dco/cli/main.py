"""Parses the command line and turns every deliberate error into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from dco.cli.commands import COMMANDS, EXIT_CODES
from dco.errors import DcoError

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""Read once, when numpy is first imported. A decision works on small matrices, for which more than one thread of numpy's
linear algebra only spins: measured on two cores, a night's plan took twenty times as long."""


def parser() -> argparse.ArgumentParser:
    """The whole command line, from the table of commands."""
    top = argparse.ArgumentParser(
        prog="dco",
        description="Dynamic creative optimization: from one campaign file to creatives that earn, every night.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    groups = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in COMMANDS:
        sub = groups.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=f"example:\n  {command.example}" + (f"\n\n{command.more}" if command.more else ""),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; no traceback reaches a user."""
    os.environ.setdefault(BLAS_THREADS, "1")
    top = parser()
    args = top.parse_args(argv)
    if args.version:
        print(import_module("dco").__version__)
        raise SystemExit(0)
    if args.command is None:
        top.print_help()
        raise SystemExit(0)
    try:
        code = getattr(import_module("dco.cli.run"), args.run)(args)
    except DcoError as error:
        print(f"dco: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("\ndco: stopped; what was finished is kept, run the same command to go on", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    raise SystemExit(code or 0)
