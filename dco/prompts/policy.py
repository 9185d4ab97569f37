"""What may not be asked of an image model: trademarks, real persons, adult content, claims. Small and honest.

A list cannot know every name: this stops the obvious and states its rule, and the approval by a person is the real gate.
Texts are folded (NFKC, confusable letters, case, accents, zero-width characters, leet digits inside words) before they
are compared, so that a Cyrillic letter or a soft hyphen hides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dco.errors import Refused

# Letters of other alphabets that look Latin, after NFKC and case folding.
CONFUSABLE: Mapping[str, str] = dict(
    zip("аеорсухіјѕһԁԛԝвкмнтгп" + "αβεικνορτυχωη", "aeopcyxijshdqwbkmhtrn" + "abeiknoptyxwn")
) | {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ɡ": "g", "ʟ": "l"}
LEET = str.maketrans("013457@$", "oieastas")


@dataclass(frozen=True)
class Rule:
    """A rule: its id is cited in every refusal. `words` are matched as whole words after folding."""

    id: str
    reason: str
    words: tuple[str, ...]


RULES: tuple[Rule, ...] = (
    Rule(
        "trademark",
        "names a brand, product or protected character that is not the advertiser's",
        (
            "nike", "adidas", "puma", "gucci", "chanel", "louis vuitton", "prada", "rolex", "coca cola", "coke", "pepsi",
            "red bull", "starbucks", "mcdonalds", "mcdonald s", "burger king", "iphone", "ipad", "macbook", "playstation",
            "xbox", "nintendo", "tesla", "ferrari", "porsche", "lamborghini", "mercedes benz", "bmw", "lego", "barbie",
            "disney", "mickey mouse", "pixar", "marvel", "spider man", "spiderman", "batman", "superman", "star wars",
            "darth vader", "harry potter", "hogwarts", "pokemon", "pikachu", "hello kitty", "super mario", "getty images",
            "shutterstock",
        ),
    ),
    Rule(
        "real-person",
        "asks for the likeness of a real person",
        (
            "taylor swift", "beyonce", "elon musk", "jeff bezos", "mark zuckerberg", "steve jobs", "donald trump",
            "joe biden", "barack obama", "vladimir putin", "kim kardashian", "lionel messi", "cristiano ronaldo",
            "michael jordan", "lebron james", "oprah winfrey", "george clooney", "scarlett johansson", "emma watson",
            "tom cruise", "brad pitt", "angelina jolie", "leonardo dicaprio", "pope francis", "king charles", "celebrity",
            "lookalike of", "deepfake",
        ),
    ),
    Rule(
        "living-artist",
        "asks for the style of a named artist or studio",
        ("in the style of", "greg rutkowski", "studio ghibli", "ghibli", "banksy", "annie leibovitz", "wes anderson"),
    ),
    Rule(
        "adult",
        "asks for sexual content or nudity",
        ("nude", "nudity", "naked", "nsfw", "porn", "pornographic", "sexual", "sexy", "erotic", "topless", "lingerie model",
         "fetish"),
    ),
    Rule(
        "violence",
        "asks for violence, weapons, drugs or hate",
        ("gore", "blood", "bloody", "corpse", "beheading", "gun", "rifle", "pistol", "cocaine", "heroin", "swastika", "nazi",
         "suicide", "terrorist"),
    ),
    Rule(
        "minor",
        "asks for the picture of a child",
        ("child", "children", "toddler", "baby", "schoolgirl", "schoolboy", "teen", "teenager"),
    ),
    Rule(
        "claim",
        "puts a claim into the picture that has to be proved",
        ("clinically proven", "doctor recommended", "fda approved", "guaranteed results", "guaranteed", "cures", "miracle",
         "before and after", "risk free", "100 safe", "no 1", "number one", "award winning"),
    ),
    Rule(
        "text",
        "asks the image model to draw words; copy is typeset by the composer",
        ("text saying", "text that says", "words saying", "caption saying", "lettering", "logo of"),
    ),
)  # fmt: skip


def fold(text: str) -> str:
    """A text as the rules see it: lower-case Latin words parted by single blanks.

    >>> fold("Nі\u200bke, ﬁne\u00adart")
    'nike fineart'
    """
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    text = unicodedata.normalize("NFD", text.casefold())
    text = "".join(CONFUSABLE.get(c, c) for c in text if not unicodedata.combining(c))
    words = [w if w.isdigit() else w.translate(LEET) for w in re.findall(r"[\w@$]+", text.replace("_", " "))]
    return " ".join(words)


def broken_rule(
    text: str, *, banned: Iterable[str] = (), allowed: Iterable[str] = ()
) -> tuple[Rule, str] | None:
    """The first rule a text breaks and the words that break it, or None.

    Args:
        banned: the campaign's own forbidden words (rule 'brand'). allowed: words exempt from the lists, for example the
            advertiser's own brand; longer matches of a rule still count.
    """
    padded = f" {fold(text)} "
    spaced_out = re.sub(r"(?<= \w) (?=\w )", "", padded)  # "n i k e" -> "nike"
    exempt = {fold(word) for word in allowed}
    own = Rule(
        "brand", "uses a word that the brand's rules forbid", tuple(fold(w) for w in banned if fold(w))
    )
    for rule in (*RULES, own):
        for word in rule.words:
            if word not in exempt and (f" {word} " in padded or f" {word} " in spaced_out):
                return rule, word
    return None


def check(text: str, *, banned: Iterable[str] = (), allowed: Iterable[str] = ()) -> str:
    """The text itself when it may be asked for.

    Raises:
        Refused: naming the rule's id, the words found and a way out.
    """
    found = broken_rule(text, banned=banned, allowed=allowed)
    if found:
        rule, word = found
        raise Refused(
            f"prompt {text!r}: rule {rule.id!r} refuses {word!r} because it {rule.reason}; reword it, or take the option "
            "out of the campaign's space"
        )
    return text
