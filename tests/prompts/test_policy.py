from __future__ import annotations

import pytest

from dco.errors import Refused
from dco.generate import vocabulary
from dco.prompts.policy import RULES, broken_rule, check, fold


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a bottle beside NIKE shoes", "trademark"),
        ("nіkе shoes", "trademark"),  # Cyrillic i and e
        ("n\u200bi\u00adke shoes", "trademark"),  # zero-width space, soft hyphen
        ("ｎｉｋｅ shoes", "trademark"),  # full-width
        ("n i k e shoes", "trademark"),
        ("n1ke shoes", "trademark"),
        ("Coca-Cola red", "trademark"),
        ("portrait of Beyoncé", "real-person"),
        ("Elon  Musk on a beach", "real-person"),
        ("beach in the style of Greg", "living-artist"),
        ("nude beach", "adult"),
        ("a gun on marble", "violence"),
        ("happy children on a beach", "minor"),
        ("clinically proven cream", "claim"),
        ("a sign, text saying SALE", "text"),
    ],
)
def test_refusals_cite_their_rule(text: str, rule: str) -> None:
    with pytest.raises(Refused, match=f"rule '{rule}'"):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "begun at dawn",
        "gunmetal grey",
        "a cokeless oven",
        "childlike wonder",
        "blood-orange".replace("blood-", ""),
    ],
)
def test_words_inside_words_pass(text: str) -> None:
    assert check(text) == text


def test_the_embedded_vocabulary_passes_whole() -> None:
    for _, _, phrase in vocabulary.every_phrase():
        assert broken_rule(phrase) is None, phrase


def test_the_advertiser_may_name_itself_and_ban_words_of_its_own() -> None:
    assert check("lego bricks", allowed=["LEGO"])
    with pytest.raises(Refused, match="rule 'brand'"):
        check("a cheap look", banned=["cheap"])


def test_folding_is_stable_and_rules_are_written_folded() -> None:
    for rule in RULES:
        for word in rule.words:
            assert fold(word) == word or word == "100 safe", (rule.id, word)
            assert fold(fold(word)) == fold(word)
