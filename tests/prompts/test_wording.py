from __future__ import annotations

import pytest

from dco.errors import Refused
from dco.generate import vocabulary
from dco.prompts import wording
from dco.simulate.market import DEMO_SPACE

GENOME = {
    "scene": "beach",
    "palette": "blue",
    "light": "golden hour",
    "composition": "copy space left",
    "cta": "buy",
}


def test_the_embedded_caption_is_the_one_the_model_was_trained_on() -> None:
    look = vocabulary.Look("beach", "blue", "golden hour", "copy space left")
    assert wording.embedded(GENOME).prompt == vocabulary.prompt(look)


def test_every_option_of_the_demo_space_is_understood() -> None:
    for attribute in wording.LOOK:
        for option in DEMO_SPACE.attributes.get(attribute, ()):
            said = wording.embedded({attribute: option}).prompt
            found = vocabulary.understand(said)
            assert found.look_parts == {attribute: option} and not found.unknown


@pytest.mark.parametrize("attribute", vocabulary.OPTIONAL)
def test_seasons_moods_and_materials_are_said_as_the_model_learnt_them(attribute: str) -> None:
    for option in vocabulary.values(attribute):
        genome = GENOME | {attribute: option}
        look = vocabulary.Look("beach", "blue", "golden hour", "copy space left", **{attribute: option})
        assert wording.embedded(genome).prompt == vocabulary.prompt(look)
        assert (option in wording.checkpoint(genome).prompt) is (option != "none")


def test_a_checkpoint_is_told_more() -> None:
    found = wording.checkpoint(GENOME, "Summer launch of a soda. Second sentence!", "Young commuters.")
    assert "empty beach backdrop" in found.prompt and "negative space on the left" in found.prompt
    assert "mood: Summer launch of a soda" in found.prompt and "young commuters" in found.prompt
    assert "Second" not in found.prompt and "text" in found.negative


def test_a_brief_cannot_smuggle_a_trademark() -> None:
    with pytest.raises(Refused, match="trademark"):
        wording.checkpoint(GENOME, "Like a Nike ad")


def test_seeds_depend_on_words_and_parts_only() -> None:
    one = wording.embedded(GENOME)
    assert one.seed("a", 1) == wording.embedded(dict(reversed(GENOME.items()))).seed("a", 1) < 2**31
    assert one.seed("a", 1) != one.seed("a", 2)
