"""The command line: arguments to a job to a printed result. Importing it costs argparse and nothing else."""

from dco.cli.main import main

__all__ = ["main"]
