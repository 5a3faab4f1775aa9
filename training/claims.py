"""Who claims which name, and which names are sure enough to be matched in running text."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .entities import Entities
from .leads import plain_title
from .words import joined_words

LONGEST_NAME = 7  # words


class WordCounts(NamedTuple):
    """How often openings write a word in lower case, capitalised, and as a noun alone after an article."""

    lower: Counter
    upper: Counter
    noun: Counter

    def __add__(self, other: "WordCounts") -> "WordCounts":
        return WordCounts(*(mine + theirs for mine, theirs in zip(self, other)))


class Claims:
    """Who claims which name. What the name alone stands for goes before what needs brackets or a comma to be told."""

    def __init__(self) -> None:
        self._strong: dict[str, set[int]] = defaultdict(set)
        self._weak: dict[str, set[int]] = defaultdict(set)

    def add(self, entity: int, *names: str, weak: bool = False) -> None:
        for name in names:
            (self._weak if weak else self._strong)[joined_words(name)].add(entity)

    def add_title(self, entity: int, title: str) -> None:
        """ "Talk (software)" claims no "talk", and "Springfield, Ohio" its name only where nothing is called so outright."""
        name = plain_title(title)
        if "(" not in title or sum(word[0].isupper() for word in name.split()) > 2:
            self.add(entity, name, weak=name != title)

    def __contains__(self, name: object) -> bool:
        return joined_words(str(name)) in self._strong

    def alone(self) -> Iterator[tuple[str, int]]:
        """The names with one claimant."""
        for name, claimants in (self._weak | self._strong).items():
            if len(claimants) == 1:
                yield name, next(iter(claimants))


def keep_unambiguous(entities: Entities, claims: Claims, text: WordCounts, no_names: frozenset[str], people: set[str]) -> None:
    """Gives the entities the names that only they claim and that are not ordinary words too."""
    lower, upper = text.lower, text.upper
    for name, entity in claims.alone():
        words = name.split()
        if len(words) > LONGEST_NAME or len(name) < 3 or name in no_names or name[0].isdigit():
            continue
        single, capital, first = len(words) == 1, name[0].isupper(), words[0].lower()
        if single and capital:
            unsure = lower[first] * 3 > upper[first] or name in people
        elif single:
            unsure = lower[first] > 2000 or len(name) < 4
        else:  # "The wall", "It happened" begin like any sentence
            unsure = capital and sum(w[0].isupper() for w in words) < 2 and lower[first] > upper[first]
        if not unsure:
            entities.names[name] = entity
            entities.first[words[0]] = max(entities.first.get(words[0], 0), len(words))
