"""Finds the parts of a family by file name. Listing them imports none of them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dco.errors import UnknownName
from dco.families import FAMILIES


@lru_cache
def names(family: str) -> tuple[str, ...]:
    """Names of all parts of a family, sorted; a file whose name starts with '_' is not a part."""
    if family not in FAMILIES:
        raise UnknownName("family", family, FAMILIES)
    spec = find_spec(FAMILIES[family].package)
    folders = spec.submodule_search_locations if spec else []
    files = [f for folder in folders or [] for f in Path(folder).glob("*.py")]
    return tuple(sorted(f.stem for f in files if not f.stem.startswith("_")))


def load(family: str, name: str, *, where: str = "") -> Any:
    """The part itself; an unknown name is an error that lists the known ones. `where` names the asking place."""
    known = names(family)
    if name not in known:
        raise UnknownName(_one_of(family), name, known, where=where)
    package, attribute, _ = FAMILIES[family]
    return getattr(import_module(f"{package}.{name}"), attribute)


def _one_of(family: str) -> str:
    """What one part is called: policies -> policy, benches -> bench, scenes -> scene."""
    for many, one in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if family.endswith(many):
            return family.removesuffix(many) + one
    return family
