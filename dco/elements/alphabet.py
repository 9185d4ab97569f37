"""The alphabet of the element model: segments, attributes and their options as columns of a design.

One row of the design is x = [1, one-hot option of every attribute]; its columns are the same in every segment. An attribute
that is unknown of an arm (a picture made elsewhere) has code `UNKNOWN` and no column: it counts as neither option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dco.errors import BadData, UnknownName

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN = -1


@dataclass(frozen=True)
class Alphabet:
    """Names behind the numbers. `options[a]` are the options of `attributes[a]`."""

    segments: tuple[str, ...]
    attributes: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, segments: Iterable[str], options: Mapping[str, Sequence[str]]) -> Alphabet:
        """From attribute -> options, in the mapping's order.

        Raises:
            BadData: no attribute, an attribute without options, or an option named twice.
        """
        for name, values in options.items():
            if isinstance(values, str) or not len(values):
                raise BadData(
                    f"space, attribute {name!r}: expected a list of at least one option, got {values!r}"
                )
            if len(set(values)) < len(values):
                raise BadData(
                    f"space, attribute {name!r}: an option is named twice in {list(values)}; name each once"
                )
        if not options:
            raise BadData("space: no attribute to vary; name at least one attribute with its options")
        return cls(tuple(segments), tuple(options), tuple(tuple(map(str, v)) for v in options.values()))

    @cached_property
    def _codes(self) -> tuple[dict[str, int], ...]:
        return tuple({option: i for i, option in enumerate(options)} for options in self.options)

    @cached_property
    def _segment_codes(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.segments)}

    @cached_property
    def starts(self) -> Ints:
        """int[attribute]: the design column of each attribute's first option."""
        return np.cumsum([1, *(len(o) for o in self.options[:-1])]).astype(np.int64)

    @property
    def width(self) -> int:
        """Columns of the design: 1 + number of options over all attributes."""
        return 1 + sum(len(o) for o in self.options)

    def segment_code(self, name: str) -> int:
        if name not in self._segment_codes:
            raise UnknownName("segment", name, self.segments)
        return self._segment_codes[name]

    def encode(self, genomes: Sequence[Mapping[str, str | None]]) -> Ints:
        """int[genome, attribute]: option codes; `UNKNOWN` where the option is None.

        Raises:
            BadData: a genome lacks an attribute.
            UnknownName: an option that the alphabet does not hold.
        """
        codes = np.empty((len(genomes), len(self.attributes)), dtype=np.int64)
        for i, genome in enumerate(genomes):
            for a, name in enumerate(self.attributes):
                if name not in genome:
                    raise BadData(
                        f"genome {dict(genome)}: attribute {name!r} is missing; give one option of it"
                    )
                option = genome[name]
                if option is None:
                    codes[i, a] = UNKNOWN
                    continue
                if option not in self._codes[a]:
                    raise UnknownName(f"option of {name!r}", str(option), self.options[a])
                codes[i, a] = self._codes[a][option]
        return codes

    def decode(self, codes: Ints) -> dict[str, str]:
        """Option codes of one genome, all known -> attribute -> option."""
        return {name: self.options[a][int(codes[a])] for a, name in enumerate(self.attributes)}

    def design(self, codes: Ints) -> Floats:
        """float[genome, width]: the one-hot design of option codes int[genome, attribute]."""
        x = np.zeros((len(codes), self.width))
        x[:, 0] = 1.0
        # An unknown option sets the level's column, which is 1 anyway.
        x[np.arange(len(codes))[:, None], np.where(codes < 0, 0, codes + self.starts)] = 1.0
        return x
