"""What text itself says of things: "the novelist Max Frisch", "Max Frisch, a novelist", "the old bridge"."""

from pathlib import Path

from .entities import Entities
from .leads import read_adjectives
from .silver import function_words, nationalities, suffixes
from .words import ARTICLES

_BEFORE_NOUNS = ARTICLES | frozenset("his her its their this these our".split())
_AFTER_APPOSITION = frozenset("of in from at and who which that born".split())
_LONGEST_BEFORE, _LONGEST_AFTER = 4, 5  # words of an apposition before and after a name
_LONGEST_NOUN_PHRASE = 3


class Sayings:
    """Finds them in a text's words."""

    def __init__(self, data: Path, entities: Entities):
        self.heads, self.all_nouns = entities.heads, entities.nouns
        self.function_words, self.demonyms = function_words(data), nationalities(data)
        self.modifiers = (entities.nouns | entities.heads | read_adjectives(data)) - self.function_words | self.demonyms

    def of_name(self, words: list[str], first: int, last: int) -> str | None:
        """The type phrase that stands right before or after a name: "the Swiss novelist NAME", "NAME, a Swiss novelist,"."""
        begin = first
        while begin > 0 and first - begin < _LONGEST_BEFORE and words[begin - 1] in self.modifiers:
            begin -= 1
        before = suffixes(words[begin:first], self.heads) if begin < first else []
        if before and words[first - 1].islower():
            return before[0]
        if words[last + 1 : last + 2] != [","] or last + 2 >= len(words) or words[last + 2] not in ARTICLES:
            return None
        begin = end = last + 3
        while end < len(words) and end - begin < _LONGEST_AFTER and words[end] in self.modifiers:
            end += 1
        closed = begin < end < len(words) and (words[end] in _AFTER_APPOSITION or not words[end].isalpha())
        after = suffixes(words[begin:end], self.heads) if closed else []
        return after[0] if after else None

    def nouns(self, words: list[str], taken: set[int]) -> list[tuple[int, int]]:
        """Noun phrases after an article or the like, in words that are not taken: first and last word, the noun."""
        found = []
        for k, word in enumerate(words):
            if word not in _BEFORE_NOUNS:
                continue
            end = k + 1
            while end < len(words) and end not in taken and self._describes(words[end]):
                end += 1
            if 1 < end - k <= _LONGEST_NOUN_PHRASE + 1 and words[end - 1] in self.all_nouns:
                found.append((k + 1, end - 1))
        return found

    def _describes(self, word: str) -> bool:
        return word in self.demonyms or (word.isalpha() and word.islower() and word not in self.function_words)
