"""Every deliberate error of dco, as one tree.

    DcoError
    ├── UnknownName            no part, command or key of that name
    ├── BadInput               something the user gave cannot be used
    │   ├── BadCampaign        the campaign file: file, line, key
    │   ├── BadReport          a platform report: file, line, column
    │   │   └── TotalMismatch  the rows do not add up to the file's own total row
    │   ├── BadPicture         an image, font or brand file
    │   ├── BadModel           a model folder that may not or cannot be loaded
    │   └── BadData            counts, shares or tables given to the Python API
    │       └── Infeasible     constraints that cannot hold together: which, and what could
    ├── DoesNotFit             copy or a picture that fits no box of a size
    ├── GenerationFailed       a variant the model could not make (NaN, black, flat, out of memory)
    ├── Refused                a rule forbids it: unapproved, unlicensed, expired, over budget
    │   ├── Unlicensed         no licence on record allows a model's pictures to go live
    │   └── BrokenPromise      shares or budgets that break a promise of the campaign file
    ├── StoreError             the database or the store folder cannot be used
    ├── NoWorker               the cluster that shall do the work cannot be reached, or gives no worker
    └── Busy                   somebody else holds this run

An error names the place, the value, what was expected and a way out, in one line. The command line prints that line
and nothing else; no traceback reaches a user.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DcoError(Exception):
    """Base of all deliberate errors. `str(error)` is the one line a user reads."""

    exit_code = 1


class UnknownName(DcoError):
    """A name that is not known; suggests the nearest one and lists what is known, the nearest first where there are many."""

    exit_code = 2
    LISTED = 30

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        place = f"{where}: " if where else ""
        listed = ", ".join(names) or "none"
        if len(names) > self.LISTED:
            some = get_close_matches(name, names, n=5, cutoff=0.0)
            listed = f"{', '.join(some)} and {len(names) - len(some)} others"
        super().__init__(f"{place}no {kind} named {name!r}{hint} (known: {listed})")
        self.kind, self.name, self.known = kind, name, names


class BadInput(DcoError):
    """Something the user gave cannot be used."""

    exit_code = 2


class BadCampaign(BadInput):
    """The campaign file cannot be used. The message names file, line and key."""

    def __init__(self, source: str, line: int | None, key: str, problem: str) -> None:
        place = f"{source}, line {line}" if line else source
        super().__init__(f"{place}, {key}: {problem}" if key else f"{place}: {problem}")
        self.source, self.line, self.key, self.problem = source, line, key, problem


class BadReport(BadInput):
    """A platform report cannot be read. The message names file, line and column."""

    def __init__(self, source: str, problem: str, *, line: int | None = None, column: str = "") -> None:
        place = source + (f", line {line}" if line else "") + (f", column {column!r}" if column else "")
        super().__init__(f"{place}: {problem}")
        self.source, self.line, self.column, self.problem = source, line, column, problem


class TotalMismatch(BadReport):
    """The rows of a report do not add up to its own total row: the file is refused, never summed."""


class BadPicture(BadInput):
    """An image, font or brand file cannot be used."""


class BadModel(BadInput):
    """A model folder may not be loaded (pickle, code, unknown class) or cannot be."""


class BadData(BadInput):
    """Counts, shares or tables given to the Python API cannot be used."""


class Infeasible(BadData):
    """Constraints that cannot hold together. `conflict` names a smallest set: without any one of them the others can."""

    def __init__(self, message: str, conflict: Iterable[str]) -> None:
        super().__init__(message)
        self.conflict = tuple(conflict)


class DoesNotFit(DcoError):
    """Copy or a picture that fits no box of a size. `reason` is what a designer needs to know."""


class GenerationFailed(DcoError):
    """A variant the model could not make: NaN, black, flat, out of memory, refused by policy."""


class Refused(DcoError):
    """A rule forbids it: unapproved, unlicensed, expired, over budget."""

    exit_code = 3


class Unlicensed(Refused):
    """No licence on record allows a model's pictures to go live; they stay drafts."""


class BrokenPromise(Refused):
    """Shares or budgets that break a promise of the campaign file; each broken promise is named with its numbers."""


class StoreError(DcoError):
    """The database or the store folder cannot be used."""

    exit_code = 4


class NoWorker(DcoError):
    """The cluster that shall do the work cannot be reached, or gives no worker."""


class Busy(DcoError):
    """Another process holds this run; nothing was done."""

    exit_code = 5
