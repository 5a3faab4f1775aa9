"""Mentions in running text: where the names of typed entities stand, and what else looks like a name."""

import random
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

from .corpus import Article, articles, sentences, shards
from .leads import plain_title
from .silver import NO_NAME, WORD, Entities, function_words, joined_words, nationalities

PER_ENTITY = 30  # mentions that make a text worth keeping; frequent names would fill everything
UNTYPED, DOUBTFUL = -1, -2  # instead of an entity: a name nobody typed, and what may be a name
_CONNECTORS = frozenset("of de von van der den del della di la le du da dos bin ibn al el y".split())


class Unit(NamedTuple):
    """A text to train on. Spans: (start, end, entity, UNTYPED or DOUBTFUL)."""

    text: str
    spans: list[tuple[int, int, int]]
    lead: bool  # whether it opens an article, and so gives a type away
    file: int  # index of the corpus file it is from


def _is_capital(word: str) -> bool:
    return word[:1].isupper() and word.isalpha()


class Matcher:
    """Finds spans. `own`, where it is asked for: the names by which an article calls its own subject."""

    def __init__(self, data: Path, entities: Entities):
        self.entities = entities
        self.function_words = function_words(data)
        self.demonyms = nationalities(data)

    def spans(self, text: str, own: dict[str, int]) -> list[tuple[int, int, int]]:
        places = [match.span() for match in WORD.finditer(text)]
        words = [text[start:end] for start, end in places]
        # A capital here may only begin a sentence or a quotation.
        openings = {0} | {k + 1 for k, word in enumerate(words) if word in '.!?:"“'}
        typed = self._typed(words, openings, own)
        taken = {k for first, last, _ in typed for k in range(first, last + 1)}
        found = typed + self._runs(words, openings, taken)
        return sorted((places[first][0], places[last][1], entity) for first, last, entity in found)

    def _typed(self, words: list[str], openings: set[int], own: dict[str, int]) -> list[tuple[int, int, int]]:
        """Matches of names, the longest from the left: (first word, last word, entity)."""
        names, first = self.entities.names, dict.fromkeys((name.split()[0] for name in own), 0)
        for name in own:
            first[name.split()[0]] = max(first[name.split()[0]], len(name.split()))
        found, i = [], 0
        while i < len(words):
            match = None
            forms = [words[i]]
            if i in openings and words[i][:1].isupper():
                forms.append(words[i][0].lower() + words[i][1:])
            for form in forms:
                longest = max(self.entities.first.get(form, 0), first.get(form, 0))
                for length in range(min(longest, len(words) - i), 0, -1):
                    key = " ".join((form, *words[i + 1 : i + length]))
                    entity = own.get(key, names.get(key))
                    if entity is not None:
                        match = (i, i + length - 1, entity)
                        break
                # "Paris Hilton" is no mention of Paris: a name must not run on in capitals on either side.
                if match and form[0].isupper():
                    after = match[1] + 1
                    runs_on = after < len(words) and _is_capital(words[after])
                    if runs_on or (i > 0 and i - 1 not in openings and _is_capital(words[i - 1])):
                        match = None
                if match:
                    break
            if match:
                found.append(match)
            i = match[1] + 1 if match else i + 1
        return found

    def _runs(self, words: list[str], openings: set[int], taken: set[int]) -> list[tuple[int, int, int]]:
        """Runs of capitalised words beside the matches; doubtful ones where a capital need not mean a name."""
        found, i = [], 0
        while i < len(words):
            if i in taken or not _is_capital(words[i]):
                i += 1
                continue
            j = i + 1
            while j < len(words) and j not in taken:
                if _is_capital(words[j]):
                    j += 1
                elif words[j] in _CONNECTORS and j + 1 < len(words) and words[j + 1][0].isupper() and j + 1 not in taken:
                    j += 2
                else:
                    break
            single, opens = j == i + 1, i in openings
            no_name = single and (words[i] in NO_NAME or words[i] in self.demonyms)
            if not no_name and not (single and opens and words[i].lower() in self.function_words):
                doubtful = opens or j in taken or i - 1 in taken
                found.append((i, j - 1, DOUBTFUL if doubtful else UNTYPED))
            i = j
        return found

    def own_names(self, article: Article) -> dict[str, int]:
        """An article's title, and of a person the last word of the name."""
        entity, name = self.entities.titles.get(article.title, UNTYPED), plain_title(article.title)
        names = {joined_words(name)}
        if entity in self.entities.people:
            names.add(name.split()[-1])
        return {name: entity for name in names if name[:1].isupper()}


def _units(arguments: tuple[int, Path]) -> list[Unit]:
    file, shard = arguments
    generator = random.Random(shard.name)
    seen: Counter = Counter()
    units = []
    for article in articles(shard):
        own = _matcher.own_names(article)
        text = sentences(article.text)
        position = 0
        while position < len(text):
            # Mostly single sentences, now and then a longer window, so that long texts are no surprise.
            size = generator.choice((2, 3, 4)) if generator.random() < 0.12 else 1
            unit, is_lead = " ".join(text[position : position + size]), position == 0
            position += size
            if not 20 <= len(unit) <= 600 or (is_lead and generator.random() < 0.6):
                continue
            spans = _matcher.spans(unit, own)
            typed = [entity for _, _, entity in spans if entity >= 0]
            seen.update(typed)
            names = any(entity == UNTYPED for _, _, entity in spans)
            if any(seen[entity] <= PER_ENTITY for entity in typed) or (names and generator.random() < 0.03):
                units.append(Unit(unit, spans, is_lead, file))
    return units


_matcher: Matcher


def match_units(data: Path, entities: Entities, files: int, processes: int = 2) -> list[Unit]:
    """The units of the corpus's first `files` files, in the corpus's order."""
    global _matcher
    _matcher = Matcher(data, entities)  # before the pool forks: the workers read the parent's memory
    with Pool(processes) as pool:
        return [unit for part in pool.imap(_units, enumerate(shards(data)[:files])) for unit in part]
