"""What is asked for: one backdrop, wholly described, and the content hash that names its picture. Pure, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite

from dco.errors import BadInput, UnknownName
from dco.generate.vocabulary import ATTRIBUTES, Look, prompt, understand
from dco.records import content_hash

ENGINE = "1"
"""Version of the picture pipeline. Raised by whoever changes what the same request looks like, so that no cache
answers with a picture of yesterday's code."""

MIN_SIDE, MAX_SIDE = 8, 8192
MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class Request:
    """One backdrop to make. Equal requests to equal models give equal pixels.

    `attributes` are the visual options, (name, option) pairs, kept sorted by name. `prompt` is what a text encoder
    reads. `width` and `height` are pixels. `strength` in (0, 1] is how much of the diffusion's noise schedule is
    run from the procedural render; 1 starts from pure noise where the backend can do that. `guidance` is the
    classifier-free guidance scale; up to 1 means none.

    Raises:
        BadInput: a value is out of its range; the message names field, value and range.
    """

    attributes: tuple[tuple[str, str], ...]
    prompt: str
    width: int
    height: int
    seed: int
    strength: float = 0.6
    steps: int = 12
    guidance: float = 1.5

    def __post_init__(self) -> None:
        pairs = tuple(sorted((str(name), str(option)) for name, option in self.attributes))
        if len(dict(pairs)) != len(pairs):
            raise BadInput(f"request, attributes: an attribute is stated twice in {pairs}")
        object.__setattr__(self, "attributes", pairs)
        # 1 and 1.0 are the same strength and must have the same hash.
        object.__setattr__(self, "strength", float(self.strength))
        object.__setattr__(self, "guidance", float(self.guidance))
        for name in ("width", "height"):
            _whole(name, getattr(self, name), MIN_SIDE, MAX_SIDE, " pixels")
        _whole("seed", self.seed, 0, 2**63 - 1)
        _whole("steps", self.steps, 1, MAX_STEPS)
        if not 0 < self.strength <= 1:
            raise BadInput(f"request, strength: expected more than 0 and at most 1, got {self.strength}")
        if int(self.strength * self.steps) < 1:
            raise BadInput(
                f"request, strength: {self.strength} of {self.steps} steps is less than one step; "
                f"raise steps to {int(1 / self.strength) + 1} or more"
            )
        if not (isfinite(self.guidance) and 0 <= self.guidance <= 50):
            raise BadInput(f"request, guidance: expected 0 to 50, got {self.guidance}")

    @classmethod
    def of(
        cls,
        attributes: Mapping[str, str],
        width: int,
        height: int,
        seed: int,
        *,
        prompt: str = "",
        strength: float = 0.6,
        steps: int = 12,
        guidance: float = 1.5,
    ) -> Request:
        """A request from options; without a prompt the canonical caption of the options is used."""
        pairs = tuple(attributes.items())
        return cls(pairs, prompt or _caption(attributes), width, height, seed, strength, steps, guidance)

    def key(self, model_id: str) -> str:
        """64 hex digits: SHA-256 over every field, the model's id and the version of the picture pipeline."""
        body = {**self.as_dict(), "model": model_id, "engine": ENGINE}
        return content_hash(body, length=64)

    def look(self) -> Look:
        """The words the renderer paints: the options, or without any option what the prompt says.

        Raises:
            BadInput, UnknownName: a word is not in the vocabulary, or scene or palette is not stated.
        """
        options = {name: option.replace("_", " ") for name, option in self.attributes}
        if not options:
            found = understand(self.prompt)
            if found.unknown or found.contradicted:
                words = ", ".join(map(repr, (*found.unknown, *found.contradicted)))
                raise BadInput(
                    f"request, prompt: {words} means nothing to the renderer, or contradicts the rest"
                )
            options = found.look_parts
        for name in options:
            if name not in ATTRIBUTES:
                raise UnknownName("attribute", name, ATTRIBUTES, where="request")
        for name in ("scene", "palette"):
            if name not in options:
                raise BadInput(
                    f"request, attributes: {name} is not stated; the renderer needs scene and palette"
                )
        return Look(**options)

    def as_dict(self) -> dict[str, object]:
        """The fields as JSON-able values; `from_dict` reads them back."""
        return {**asdict(self), "attributes": [list(pair) for pair in self.attributes]}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Request:
        """The inverse of `as_dict`."""
        fields = dict(values)
        pairs: list[list[str]] = fields.pop("attributes")  # type: ignore[assignment]
        return cls(attributes=tuple((name, option) for name, option in pairs), **fields)  # type: ignore[arg-type]


def _caption(attributes: Mapping[str, str]) -> str:
    try:
        return prompt(Request(tuple(attributes.items()), "", MIN_SIDE, MIN_SIDE, 0).look())
    except (BadInput, UnknownName):
        return ", ".join(attributes[name] for name in sorted(attributes))


def _whole(name: str, value: object, low: int, high: int, unit: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"request, {name}: expected a whole number from {low} to {high}{unit}, got {value!r}")
