"""What is asked for: one backdrop, wholly described, and the content hash that names its picture. Pure, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil, isfinite
from typing import Any

from dco.errors import BadInput, UnknownName
from dco.generate.reference import Reference
from dco.generate.vocabulary import ATTRIBUTES, Look, prompt, understand
from dco.records import content_hash

ENGINE = "3"
"""Version of the picture pipeline. Raised by whoever changes what the same request looks like, so that no cache
answers with a picture of yesterday's code."""

MIN_SIDE, MAX_SIDE = 8, 8192
MAX_STEPS = 200
MAX_ADAPTER_WEIGHT = 4.0

PICTURES = ("init", "mask", "style", "control")
"""Fields that hold a reference picture."""


@dataclass(frozen=True, slots=True)
class Request:
    """One backdrop to make. Equal requests to equal models give equal pixels.

    `attributes` are the visual options, (name, option) pairs, kept sorted by name. `prompt` is what a text encoder
    reads. `width` and `height` are pixels. `strength` in (0, 1] is how much of the diffusion's noise schedule is
    run from the procedural render; 1 starts from pure noise where the backend can do that. `guidance` is the
    classifier-free guidance scale; up to 1 means none.

    The rest is for real checkpoints. `negative` is what to avoid; it plays no part where there is no classifier-free
    guidance. `init` takes the place of the render. `mask` is white where `init` is repainted; everything else
    of `init` stays as it is, bit for bit. `style` is a picture to take mood and style from (IP-Adapter), `control` one
    whose structure is followed (ControlNet: edges, depth, whatever the loaded network was trained on). `adapters`
    are (name, weight) pairs of opened LoRA adapters, kept sorted by name. init, mask and control have the request's size.
    `toward` is another prompt, whose embedding the prompt's moves towards by `lean` of the way (0 <= lean < 1).

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
    negative: str = ""
    init: Reference | None = None
    mask: Reference | None = None
    style: Reference | None = None
    control: Reference | None = None
    adapters: tuple[tuple[str, float], ...] = ()
    toward: str = ""
    lean: float = 0.0

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
                f"raise steps to {fewest_steps(self.strength)} or more"
            )
        if not (isfinite(self.guidance) and 0 <= self.guidance <= 50):
            raise BadInput(f"request, guidance: expected 0 to 50, got {self.guidance}")
        self._check_pictures()
        worn = tuple(sorted((str(name), float(weight)) for name, weight in self.adapters))
        if len(dict(worn)) != len(worn):
            raise BadInput(f"request, adapters: an adapter is stated twice in {worn}")
        for name, weight in worn:
            if not (isfinite(weight) and abs(weight) <= MAX_ADAPTER_WEIGHT):
                raise BadInput(
                    f"request, adapters: {name} has weight {weight}; expected -{MAX_ADAPTER_WEIGHT} to {MAX_ADAPTER_WEIGHT}"
                )
        object.__setattr__(self, "adapters", worn)
        object.__setattr__(self, "lean", float(self.lean))
        if not 0 <= self.lean < 1:
            raise BadInput(f"request, lean: expected 0 or more and less than 1, got {self.lean}")
        if bool(self.toward) != bool(self.lean):
            raise BadInput(
                "request, toward: a prompt to lean towards and a lean above 0 come together or not at all"
            )

    def _check_pictures(self) -> None:
        for name in PICTURES:
            picture = getattr(self, name)
            if picture is None:
                continue
            if not isinstance(picture, Reference):
                raise BadInput(f"request, {name}: expected a Reference, got {type(picture).__name__}")
            if name != "style" and picture.size not in (None, (self.width, self.height)):
                raise BadInput(
                    f"request, {name}: {picture.size[0]}x{picture.size[1]} pixels; "
                    f"expected the request's {self.width}x{self.height}"
                )
            if picture.size and (picture.pixels.ndim == 2) != (name == "mask"):
                shape = "[height, width]" if name == "mask" else "[height, width, 3]"
                raise BadInput(f"request, {name}: expected uint8{shape}, got {list(picture.pixels.shape)}")
        if self.mask is not None and self.init is None:
            raise BadInput("request, mask: expected an init picture too, whose black parts are kept")

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
        **more: Any,
    ) -> Request:
        """A request from options; without a prompt the canonical caption of the options is used. `more` are the fields
        of real checkpoints: negative, init, mask, style, control, adapters, toward, lean."""
        pairs, words = tuple(attributes.items()), prompt or _caption(attributes)
        return cls(pairs, words, width, height, seed, strength, steps, guidance, **more)

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

    def refuse(self, *fields: str, maker: str) -> None:
        """For a backend that cannot do what some fields ask for.

        Raises:
            BadInput: one of `fields` is used; nothing that was asked for is left out in silence.
        """
        for name in fields:
            if getattr(self, name):
                raise BadInput(f"request, {name}: {maker} cannot do it; take a diffusers checkpoint")

    def as_dict(self) -> dict[str, object]:
        """The fields as JSON-able values, pictures as their hashes; what is not used is left out."""
        found: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in (*PICTURES, "negative", "adapters", "toward", "lean") and not value:
                continue
            if isinstance(value, Reference):
                value = value.sha256
            elif isinstance(value, tuple):
                value = [list(pair) for pair in value]
            found[item.name] = value
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Request:
        """The inverse of `as_dict`; its reference pictures are known by their hash only."""
        given: dict[str, Any] = dict(values)
        for name in ("attributes", "adapters"):
            given[name] = tuple((first, second) for first, second in given.get(name, ()))
        for name in PICTURES:
            if name in given:
                given[name] = Reference.named(given[name])
        return cls(**given)


def fewest_steps(strength: float) -> int:
    """Fewest steps of which `strength` still runs one: a model of one or four steps starts no later than that.

    >>> fewest_steps(0.3), fewest_steps(0.5), fewest_steps(1)
    (4, 2, 1)
    """
    steps = ceil(1 / strength)
    return steps if int(steps * strength) >= 1 else steps + 1


def _caption(attributes: Mapping[str, str]) -> str:
    try:
        return prompt(Request(tuple(attributes.items()), "", MIN_SIDE, MIN_SIDE, 0).look())
    except (BadInput, UnknownName):
        return ", ".join(attributes[name] for name in sorted(attributes))


def _whole(name: str, value: object, low: int, high: int, unit: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"request, {name}: expected a whole number from {low} to {high}{unit}, got {value!r}")
