"""Prompts are written and read with the same words."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import UnknownName
from dco.generate import vocabulary
from dco.generate.vocabulary import ATTRIBUTES, Look, copy_side, product_side, prompt, understand, values

LOOKS = st.builds(Look, *(st.sampled_from(values(a)) for a in ATTRIBUTES))


@given(LOOKS)
def test_a_canonical_prompt_reads_back_as_its_look(look: Look) -> None:
    found = understand(prompt(look))
    assert found.look_parts == {a: word for a in ATTRIBUTES if (word := getattr(look, a)) != "none"}
    assert not found.unknown
    assert not found.contradicted


@pytest.mark.parametrize(("attribute", "value", "phrase"), list(vocabulary.every_phrase()))
def test_every_synonym_is_understood(attribute: str, value: str, phrase: str) -> None:
    assert understand(f"Photo of a {phrase.upper()}!").look_parts[attribute] == value


def test_unknown_words_are_named_in_order() -> None:
    found = understand("beach with two flamingos, blue palette, und Sonne über 9 Bergen")
    assert found.unknown == ("two", "flamingos", "und", "sonne", "über", "9", "bergen")


def test_the_first_statement_of_an_attribute_counts() -> None:
    found = understand("beach, blue palette, coral tones")
    assert found.look_parts["palette"] == "blue"
    assert found.contradicted == ("coral tones",)


def test_saying_the_same_thing_twice_is_no_contradiction() -> None:
    assert not understand("beach, sandy beach, night, at night").contradicted


def test_empty_text_states_nothing() -> None:
    assert understand("") == vocabulary.Understood({}, ())


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    found = understand(text)
    assert set(found.look_parts) <= set(ATTRIBUTES)


def test_copy_and_product_stand_on_opposite_sides() -> None:
    assert [(copy_side(c), product_side(c)) for c in values("composition")] == [
        ("left", "right"),
        ("right", "left"),
        ("center", "center"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"scene": "beech", "palette": "blue"}, "did you mean 'beach'"),
        ({"scene": "beach", "palette": "blu"}, "no palette named 'blu'"),
        ({"scene": "beach", "palette": "blue", "light": "dusk"}, "no light named 'dusk'"),
        ({"scene": "beach", "palette": "blue", "composition": "left"}, "copy space left"),
    ],
)
def test_a_look_of_unknown_words_is_refused_with_the_known_ones(words: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        Look(**words)


def test_an_unknown_attribute_or_composition_is_refused() -> None:
    with pytest.raises(UnknownName, match="no attribute named 'weather'"):
        values("weather")
    with pytest.raises(UnknownName, match="no composition named 'top'"):
        copy_side("top")


def test_the_vocabulary_loads_nothing_heavy() -> None:
    code = "import sys, dco.generate.vocabulary as v; v.values('scene'); print(*(m for m in ('numpy', 'scipy', 'torch') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
