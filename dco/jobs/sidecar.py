"""attributes.csv or attributes.yaml beside imported pictures: what each shows, where its prompt does not tell.

file,scene,palette,headline            pier.png:
pier.png,beach,teal,gift                 scene: beach
                                         palette: teal
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dco.errors import BadInput
from dco.generate.provenance import plain
from dco.jobs.import_files import MAX_TEXT, contained
from dco.records import Space
from dco.settings.node import parse

NAMES = ("attributes.csv", "attributes.yaml", "attributes.yml")
_OWN = ("prompt", "job_id")
"""Columns besides the space's attributes, for pictures that lost their metadata on the way."""


@dataclass(frozen=True)
class Stated:
    """What somebody wrote down about one file. Empty texts are not stated."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    job_id: str = ""


def stated(folder: Path, space: Space, files: Collection[str]) -> dict[str, Stated]:
    """File name -> what the folder's sidecar says of it; empty without a sidecar.

    Raises:
        BadInput: names the sidecar, its line and what was expected: an unknown column, option or file, a file twice.
    """
    there = [folder / name for name in NAMES if os.path.lexists(folder / name)]
    if len(there) > 1:
        raise BadInput(f"{folder}: both {there[0].name} and {there[1].name} are there; keep one of them")
    found: dict[str, Stated] = {}
    for path in there:
        for line, name, values in _rows(path, space):
            place = f"{path}, line {line}"
            if name not in files:
                near = get_close_matches(name, files, n=1)
                raise BadInput(f"{place}: no picture {plain(name)[:80]!r} in the folder{_hint(near)}")
            if name in found:
                raise BadInput(f"{place}: {name!r} is there twice; keep one of them")
            for attribute, option in values.items():
                known = space.attributes.get(attribute, (option,))
                if option not in known:
                    near = get_close_matches(option, known, n=1)
                    raise BadInput(
                        f"{place}, {attribute}: the campaign has no option {plain(option)[:80]!r}{_hint(near)} "
                        f"(known: {', '.join(known)})"
                    )
            attributes = {a: o for a, o in values.items() if a in space.attributes}
            own = {name: values[name] for name in _OWN if name in values and name not in space.attributes}
            found[name] = Stated(attributes, **own)
    return found


def _rows(path: Path, space: Space) -> Iterator[tuple[int, str, dict[str, str]]]:
    """(line, file name, attribute or own column -> text) of either form."""
    try:
        text = contained(path, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: expected UTF-8 text") from None
    known = ("file", *space.attributes, *_OWN)
    if path.suffix == ".csv":
        yield from _csv_rows(path, text, known)
        return
    top = parse(text, str(path))
    for name in top.plain():
        node = top.mapping(str(name), "a mapping of attribute: option").only(*known[1:])
        yield top.line(name), str(name), node.each(node.text)


def _csv_rows(path: Path, text: str, known: tuple[str, ...]) -> Iterator[tuple[int, str, dict[str, str]]]:
    head = text.partition("\n")[0]
    mark = next((m for m in (",", ";", "\t") if m in head), ",")
    reader = csv.reader(StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        columns = [c.strip() for c in next(reader, [])]
        for column in columns:
            if column not in known or columns.count(column) > 1:
                near = get_close_matches(column, known, n=1)
                problem = "is there twice" if columns.count(column) > 1 else "is no attribute of the campaign"
                raise BadInput(
                    f"{path}, line 1: column {plain(column)[:80]!r} {problem}{_hint(near)} (known: {', '.join(known)})"
                )
        if "file" not in columns:
            raise BadInput(f"{path}, line 1: expected a column 'file' with the pictures' names")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise BadInput(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(columns)} columns; put quotes around a "
                    "text with the separator in it"
                )
            values = {c: cell.strip() for c, cell in zip(columns, cells, strict=True) if cell.strip()}
            yield reader.line_num, values.pop("file", ""), values
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: no valid CSV ({error})") from None


def _hint(near: list[str]) -> str:
    return f"; did you mean {near[0]!r}?" if near else ""
