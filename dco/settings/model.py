"""The `model:` part of a campaign file: which backend draws, with what settings, and from which pictures and adapters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from dco import registry
from dco.records import Adapter, LicenceOverride, Model
from dco.settings.node import Node

PICTURES = ("init", "mask", "style", "control")
_ADAPTER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_HEAVIEST = 4


def read_model(node: Node) -> Model:
    """The model of a campaign. Whether its files are there, and its backend can do what is asked, others check."""
    node.only(
        "backend", "folder", "revision", "steps", "guidance", "strength", "negative", "picture", "adapters", "license",
        "part_licenses", "license_override", "options", "time_limit", "takes", "lean",
    )  # fmt: skip
    base = Model()
    revision = node.text("revision", "a 40-digit commit hash", "")
    if revision and not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise node.fail(
            "revision", f"expected a 40-digit commit hash, got '{revision}'; a branch can change under you"
        )
    stated = node.plain()
    takes = node.choice("takes", ("new", "vary"), base.takes)
    backend = node.choice("backend", registry.names("backends"), base.backend)
    # Beyond .75 the embedded model's old features ghost; the backend refuses, and here the line is known.
    boldest = 0.75 if backend == "embedded" else 1
    pictures = _pictures(node.mapping("picture", "a mapping such as {init: brand/room.jpg}", None))
    if takes == "vary" and "init" in dict(pictures):
        raise node.fail(
            "takes",
            "'vary' starts from an idea's own last picture, and picture.init names another; leave one out",
        )
    return Model(
        backend=backend,
        folder=node.text("folder", "a diffusers folder or a hub id", ""),
        revision=revision,
        steps=node.integer("steps", 1, 200) if "steps" in stated else None,
        guidance=node.number("guidance", 0, 30) if "guidance" in stated else None,
        strength=node.fraction("strength", 0.1, boldest) if "strength" in stated else None,
        negative=_line(node.text("negative", "what pictures shall avoid, such as 'plastic look'", "")),
        pictures=pictures,
        takes=cast(Literal["new", "vary"], takes),
        lean=node.fraction("lean", 0, 0.9, base.lean),
        adapters=_adapters(node.mapping("adapters", "a mapping of adapter -> weight", None)),
        license=node.text("license", "an SPDX id or LicenseRef", ""),
        part_licenses=_part_licenses(node.mapping("part_licenses", "a mapping of part -> licence", None)),
        license_override=_override(node),
        options=_options(node),
        time_limit=node.integer("time_limit", 1, 86_400, base.time_limit),
    )


def _line(text: str) -> str:
    """A text that YAML may have folded, on one line and without a last comma."""
    return " ".join(text.split()).rstrip(" ,.;")


def _pictures(node: Node) -> tuple[tuple[str, str], ...]:
    found = node.only(*PICTURES).each(node.file)
    if "mask" in found and "init" not in found:
        raise node.fail("mask", "there is no init picture whose parts it could keep; state picture.init too")
    return tuple(found.items())


def _adapters(node: Node) -> tuple[Adapter, ...]:
    """Each a weight, for an adapter that `options.adapters` opens, or a mapping with its file and weight."""

    def one(name: str) -> Adapter:
        if not _ADAPTER.fullmatch(str(name)):
            raise node.fail(name, "expected an adapter's name of letters, digits, - and _")
        if not isinstance(node.plain()[name], Mapping):
            return Adapter(name, node.number(name, -_HEAVIEST, _HEAVIEST))
        told = node.mapping(name).only("file", "weight")
        return Adapter(name, told.number("weight", -_HEAVIEST, _HEAVIEST, 1.0), told.file("file"))

    return tuple(node.each(one).values())


def _part_licenses(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple(node.each(lambda name: node.text(name, "an SPDX id or LicenseRef")).items())


def _override(node: Node) -> LicenceOverride | None:
    if "license_override" not in node.plain():
        return None
    told = node.mapping("license_override", "a mapping with license, by and reason").only(
        "license", "by", "reason"
    )
    return LicenceOverride(
        told.text("license", "the licence that is overridden"),
        told.text("by", "a person's name"),
        told.text("reason", "why it may be used, such as a written permission"),
    )


def _options(node: Node) -> tuple[tuple[str, str | int | float | bool], ...]:
    """What goes to the backend's constructor, which alone knows its options. Secrets are no options."""
    options = node.mapping("options", default=None)
    for name, value in options.plain().items():
        if name.endswith("_env"):
            # The name of a variable, which is no secret; a value that could be one is not repeated.
            if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
                raise options.fail(
                    name, "expected the name of an environment variable, such as OPENAI_API_KEY"
                )
        elif re.search(r"key|secret|token|password", name, re.IGNORECASE):
            raise options.fail(name, "a secret does not belong in a campaign file; set it in the environment")
        if not isinstance(value, str | int | float | bool):
            raise options.fail(name, f"expected a text, a number, true or false, got {value!r}")
    return tuple(sorted(options.plain().items()))
