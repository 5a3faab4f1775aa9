"""Mentions in running text: where the names of typed entities stand, and what else looks like a name."""

import random
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

from .corpus import Article, articles, sentences, shards
from .entities import Entities
from .leads import plain_title
from .sayings import Sayings
from .silver import NO_NAME, function_words, nationalities, suffixes
from .type_nouns import tells_held_out
from .words import Words, is_capital, joined_words

PER_ENTITY = 30  # mentions that make a text worth keeping; frequent names would fill everything
PER_NOUN = 400  # times that a noun is kept for sure; beyond, ever more rarely
UNTYPED, DOUBTFUL = -1, -2  # instead of an entity: a name nobody typed, and what may be a name
_CONNECTORS = frozenset("of de von van der den del della di la le du da dos bin ibn al el y".split())
_TITLES = frozenset("St Mt Dr Mr Mrs Jr Sr".split())
_QUOTES = {'"': '"', "“": "”"}
_LONGEST_TITLE = 8  # words between quotation marks that may be a work's title

Span = tuple[int, int, int]


class Unit(NamedTuple):
    """A text to train on. Spans: (start, end, entity, UNTYPED or DOUBTFUL); nouns: (start, end, entity), in no span."""

    text: str
    spans: list[Span]
    nouns: list[Span]
    lead: bool  # whether it opens an article, and so gives a type away
    file: int  # index of the corpus file it is from


class _Found(NamedTuple):
    """A text as a worker leaves it: what it says in so many words has no number yet."""

    text: str
    spans: list[Span]
    said: dict[int, str]  # place in spans -> what the text says of it
    nouns: list[tuple[int, int, str]]
    lead: bool
    file: int


class Matcher:
    """Finds spans. `own`, where it is asked for: the names by which an article calls its own subject."""

    def __init__(self, data: Path, entities: Entities):
        self.entities = entities
        self.function_words = function_words(data)
        self.demonyms = nationalities(data)

    def spans(self, text: str, own: dict[str, int]) -> list[Span]:
        words = Words(text)
        return [(*words.span(first, last), entity) for first, last, entity in self.matches(words, own)]

    def matches(self, text: Words, own: dict[str, int]) -> list[Span]:
        """In words: (first, last, entity)."""
        titles = self._quoted_titles(text)
        typed = self._typed(text.words, text.openings, own)
        typed = [match for match in typed if not any(a <= match[0] and match[1] <= b and (a, b) != match[:2] for a, b in titles)]
        found = typed + [(a, b, UNTYPED) for a, b in titles if not any(x <= b and a <= y for x, y, _ in typed)]
        taken = {k for first, last, _ in found for k in range(first, last + 1)}
        return sorted(found + self._runs(text, taken))

    def _quoted_titles(self, text: Words) -> list[tuple[int, int]]:
        """Quotations of a few words whose longer words are all capitalised: first and last word between the marks."""
        words, found, i = text.words, [], 0
        while i < len(words):
            close = _QUOTES.get(words[i])
            end = next((j for j, word in enumerate(words[i + 1 : i + 2 + _LONGEST_TITLE], i + 1) if word == close), None)
            if end is None:
                i += 1
                continue
            last = end - 1
            while last > i and not words[last][0].isalnum():
                last -= 1
            inner = words[i + 1 : last + 1]
            if inner and is_capital(inner[0]) and all(w[0].isupper() for w in inner if w.isalpha() and len(w) > 4):
                found.append((i + 1, last))
            i = end + 1
        return found

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
                    runs_on = after < len(words) and is_capital(words[after])
                    if runs_on or (i > 0 and i - 1 not in openings and is_capital(words[i - 1])):
                        match = None
                if match:
                    break
            if match:
                found.append(match)
            i = match[1] + 1 if match else i + 1
        return found

    def _runs(self, text: Words, taken: set[int]) -> list[Span]:
        """Runs of capitalised words beside the matches; doubtful ones where a capital need not mean a name."""
        words, found, i = text.words, [], 0
        while i < len(words):
            if i in taken or not is_capital(words[i]):
                i += 1
                continue
            j = i + 1
            while j < len(words) and j not in taken:
                goes_on = self._goes_on(text, j)
                if goes_on == 0 or any(k in taken for k in range(j, j + goes_on)):
                    break
                j += goes_on
            while j > i + 1 and words[j - 1].isdigit() and (words[i] in NO_NAME or words[i].lower() in self.function_words):
                j -= 1  # "May 6", "In 50"
            single, opens = j == i + 1, i in text.openings
            no_name = single and (words[i] in NO_NAME or words[i] in self.demonyms)
            if not no_name and not (single and opens and words[i].lower() in self.function_words):
                doubtful = opens or j in taken or i - 1 in taken
                found.append((i, j - 1, DOUBTFUL if doubtful else UNTYPED))
            i = j
        return found

    def _goes_on(self, text: Words, j: int) -> int:
        """How many words from j on belong to the name that ends before j."""
        words = text.words
        word, following = words[j], words[j + 1] if j + 1 < len(words) else ""
        if is_capital(word) or (word.isdigit() and len(word) < 4):
            return 1
        if word in "-–'’&/" and text.joined(j - 1) and text.joined(j) and (following[:1].isupper() or following.isdigit()):
            return 2
        if word == "&" and is_capital(following):
            return 2
        if word == "." and text.joined(j - 1) and (len(words[j - 1]) == 1 or words[j - 1] in _TITLES) and is_capital(following):
            return 2
        if word in _CONNECTORS and following[:1].isupper():
            return 2
        if word == "of" and following == "the" and j + 2 < len(words) and is_capital(words[j + 2]):
            return 3
        return 0

    def own_names(self, article: Article) -> dict[str, int]:
        """An article's title, and of a person the last word of the name."""
        entity, name = self.entities.titles.get(article.title, UNTYPED), plain_title(article.title)
        names = {joined_words(name)}
        if entity in self.entities.people:
            names.add(name.split()[-1])
        return {name: entity for name in names if name[:1].isupper()}


def _units(arguments: tuple[int, Path]) -> list[_Found]:
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
            size = generator.choice((2, 3, 4)) if generator.random() < 0.15 else 1
            unit, is_lead = " ".join(text[position : position + size]), position == 0
            position += size
            if not 20 <= len(unit) <= 600 or (is_lead and generator.random() < 0.6):
                continue
            words = Words(unit)
            matches = _matcher.matches(words, own)
            typed = [entity for _, _, entity in matches if entity >= 0]
            seen.update(typed)
            said = {}
            for place, (first, last, entity) in enumerate(matches):
                says = _sayings.of_name(words.words, first, last) if entity == UNTYPED else None
                if says and not tells_held_out(says):
                    said[place] = says
            names = any(entity == UNTYPED for _, _, entity in matches)
            rare = any(seen[entity] <= PER_ENTITY for entity in typed)
            if rare or (said and generator.random() < 0.5) or (names and generator.random() < 0.05):
                taken = {k for first, last, _ in matches for k in range(first, last + 1)}
                nouns = [
                    (*words.span(first, last), " ".join(words.words[first : last + 1]).lower())
                    for first, last in _sayings.nouns(words.words, taken)
                ]
                spans = [(*words.span(first, last), entity) for first, last, entity in matches]
                units.append(_Found(unit, spans, said, [n for n in nouns if not tells_held_out(n[2])], is_lead, file))
    return units


_matcher: Matcher
_sayings: Sayings


def match_units(data: Path, entities: Entities, files: int, processes: int = 2) -> list[Unit]:
    """The units of the corpus's first `files` files, in the corpus's order. What texts say of names and things in so many
    words is added to the entities, once for each wording."""
    global _matcher, _sayings
    _matcher, _sayings = Matcher(data, entities), Sayings(data, entities)  # before the pool forks: the workers read its memory
    with Pool(processes) as pool:
        found = [unit for part in pool.imap(_units, enumerate(shards(data)[:files])) for unit in part]
    said: dict[str, int] = {}
    for says in sorted({says for unit in found for says in unit.said.values()}):
        said[says] = entities.add("", suffixes(says.split(), entities.heads), [])
    entities.first_noun = len(entities.own)
    frequency = Counter(phrase.split()[-1] for unit in found for *_, phrase in unit.nouns)
    company = Counter(phrase for unit in found for *_, phrase in unit.nouns)
    generator, nouns, units = random.Random(5), {}, []
    for unit in found:
        kept = []
        for start, end, phrase in unit.nouns:
            head = phrase.split()[-1]
            if generator.random() < (PER_NOUN / frequency[head]) ** 0.5:
                if phrase not in nouns:
                    nouns[phrase] = entities.add("", ([phrase] if company[phrase] > 1 else []) + [head], [])
                kept.append((start, end, nouns[phrase]))
        spans = [(*span[:2], said[unit.said[k]] if k in unit.said else span[2]) for k, span in enumerate(unit.spans)]
        units.append(Unit(unit.text, spans, kept, unit.lead, unit.file))
    return units
