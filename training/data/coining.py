"""Invents values, so that the model learns to copy values instead of recalling known ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from string import ascii_uppercase

SHARE_OF_NAMES, SHARE_OF_WORDS, SHARE_OF_EMOJI, SHARE_OF_ACCENTS = 0.6, 0.3, 0.04, 0.06

ONSETS: Sequence[str] = (
    *(*"bdfghjklmnprstvwz", "br", "ch", "cl", "dr", "fl", "gr", "kr", "pl", "sh", "st", "th"),
)
VOWELS: Sequence[str] = (*"aeiouaeio", "ai", "ea", "ee", "ie", "ou")
CODAS: Sequence[str] = (
    *(*"dklmnrstx", "ck", "ld", "ll", "nd", "ng", "nt", "rn", "rt", "sk", "ss"),
    *[""] * 10,
)
SYLLABLES = (1, 2, 2, 2, 3)
ACCENTED = {
    "a": "áäàåã",
    "e": "éèêë",
    "i": "íï",
    "o": "óöøô",
    "u": "úü",
    "n": "ñ",
    "s": "š",
    "c": "ç",
}
EMOJI = "🚀🎉🍕☕🌧🐱🎂💡🔥✅⚠🏠🚲📦🌱🎵💤🧹📞❤👍😀🙈🌍🛒🔑"

NAME = re.compile(r"(?<![\w'])[A-Z][a-z]{2,}(?![\w'])")
WORD = re.compile(r"(?<![\w'])[a-z]{4,}(?![\w'])")
CODE = re.compile(r"\b[A-Z]+(?=-?\d)")
NUMBER = re.compile(r"\d+")
ADDRESS = re.compile(r"[@/]|\.[a-z]{2,4}$")
PART_OF_ADDRESS = re.compile(r"(?<=[/@._])(?!example)[a-z]{4,}|^(?!http)[a-z]{4,}(?=[._@])")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
SAYING = re.compile(r"^\D*[a-z]+ [a-z]+\D*$")
DATE = re.compile(rf"\b\d\d?(?= (?:{MONTHS}))|(?<=[a-z] )\d\d?$")
NTH = re.compile(r"\d+(?:st|nd|rd|th)\b")
CLOCK = re.compile(r"\d+:\d\d")
TIME = re.compile(
    rf"{MONTHS}|{NTH.pattern}|{CLOCK.pattern}|\d ?[ap]m\b|\d{{4}}-\d\d"
    r"|(?i:days?\b|night|noon|morning|evening|week|month|year|hour|minute|half|quarter|o'clock"
    r"|past\b|last\b|next\b|tomorrow|spring|summer|autumn|winter)"
)


def coined(text: str, words: Sequence[str], random: Random) -> str:
    """`text` with random numbers, and with some names and words replaced by rare ones."""
    if TIME.search(text):
        return _time(text, random)
    text = NUMBER.sub(lambda found: _number(len(found[0]), random), text)
    if ADDRESS.search(text):
        return PART_OF_ADDRESS.sub(lambda found: word(random), text)
    text = CODE.sub(lambda found: "".join(random.choices(ascii_uppercase, k=len(found[0]))), text)
    text = NAME.sub(lambda found: _or(found[0], SHARE_OF_NAMES, _name(random), random), text)
    text = WORD.sub(lambda found: _or(found[0], SHARE_OF_WORDS, random.choice(words), random), text)
    share = SHARE_OF_EMOJI if SAYING.search(text) else 0
    return _or(text, share, f"{text} {random.choice(EMOJI)}", random)


def word(random: Random) -> str:
    syllables = random.choice(SYLLABLES)
    parts = (random.choice(ONSETS) + random.choice(VOWELS) for _ in range(syllables))
    return "".join(parts) + random.choice(CODAS)


def _name(random: Random) -> str:
    """An invented name, sometimes with an accent."""
    letters = word(random).title()
    return "".join(
        _or(letter, SHARE_OF_ACCENTS, random.choice(ACCENTED.get(letter, letter)), random)
        for letter in letters
    )


def _time(text: str, random: Random) -> str:
    text = CLOCK.sub(lambda _: f"{random.randint(1, 12)}:{5 * random.randint(0, 11):02}", text)
    text = NTH.sub(lambda _: _nth(random.randint(1, 28)), text)
    return DATE.sub(lambda _: str(random.randint(1, 28)), text)


def _nth(day: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}th" if day in (11, 12, 13) else f"{day}{ending}"


def _number(digits: int, random: Random) -> str:
    return str(random.randint(10 ** (digits - 1), 10**digits - 1))


def _or(text: str, share: float, other: str, random: Random) -> str:
    return other if random.random() < share else text
