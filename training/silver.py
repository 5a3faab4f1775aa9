"""Silver supervision: mentions in running text whose types are known without anybody having read them.

An entity is an article's title (typed by its lead sentence), a FIGER title or an entry of an entity list. Its mentions are
the unambiguous matches of its name: capitalised names as written, common nouns ("asthma", "sari") in lower case. Names
nobody typed are kept as spans for the mention detector (`matching.py`).
"""

import hashlib
import json
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

from .corpus import articles, sentences, shards
from .hearst import listed_in_text, singular
from .hierarchy import TypeNet, figer_types, usual_types, wider
from .leads import lead_types, plain_title, read_adjectives
from .lists import listed_entities
from .type_nouns import MINIMUM, held_out_endings, tells_held_out, type_heads
from .words import ARTICLES, WORD, joined_words

_BORN = re.compile(r"^[^.]{0,80}\([^()]*(?:\bborn\b|\b\d{3,4}\s*[–-]\s*[^()]*\d{3,4})[^()]*\)[^.]*\b(?:is|was)\b")
NO_NAME = frozenset(
    "January February March April May June July August September October November December Monday Tuesday Wednesday Thursday "
    "Friday Saturday Sunday I He She It They We The A An In On At".split()
)
COMPANY = 5  # entities a shortened phrase must have
TYPE_ITSELF = 20  # a type with so many entities is itself no mention of anything: "the village" names none
NOUN = 5, 0.06  # times a word stands as a noun alone after an article, and the share of all its times
LONGEST_NAME = 7
PROPER = frozenset(
    "person,artist,organization,location,publication,sports team,fictional character,celestial object,programming language,"
    "website,creative work,musical work,written work,business".split(",")
)  # types whose names no text writes in lower case
# Types of the lists whose names of one word mean nothing else as a rule.
ALONE = frozenset("country,god,dinosaur,company,newspaper,town,religion,ocean,disease,drug,musical instrument".split(","))
_PLURALS = (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("men", "man"))


class Lead(NamedTuple):
    """What pass one keeps of an article."""

    title: str
    types: list[list[str]]
    description: str  # the types with what follows them, or nothing
    person: bool
    common: bool  # the title is a common noun: its own article writes it in lower case


@dataclass
class Entities:
    """Everything that has a type."""

    phrases: list[str] = field(default_factory=list)  # all type phrases
    own: list[list[int]] = field(default_factory=list)  # per entity: phrases its text says of it, without the held-out ones
    broad: list[list[int]] = field(default_factory=list)  # per entity: phrases from the hierarchies
    described: list[list[int]] = field(default_factory=list)  # per entity: at most one longer description
    name: list[str] = field(default_factory=list)  # per entity
    held_out: list[list[int]] = field(default_factory=list)  # per entity: its held-out phrases; with any, it trains no type
    names: dict[str, int] = field(default_factory=dict)  # words joined by blanks -> entity, unambiguous ones
    first: dict[str, int] = field(default_factory=dict)  # first word -> most words a name beginning so has
    titles: dict[str, int] = field(default_factory=dict)  # article title -> entity
    people: set[int] = field(default_factory=set)
    _index: dict[str, int] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)  # entities of the lists, whose lower-case names are surely names
    heads: frozenset[str] = frozenset()  # the nouns that are types
    nouns: frozenset[str] = frozenset()  # the nouns of the text
    first_noun: int = 0  # what text calls something ("the old bridge") counts as an entity from here on: see matching.py

    def phrase_ids(self, phrases: list[str]) -> list[int]:
        """Places in `phrases`, new ones at its end."""
        for phrase in phrases:
            if phrase not in self._index:
                self._index[phrase] = len(self.phrases)
                self.phrases.append(phrase)
        return [self._index[phrase] for phrase in dict.fromkeys(phrases)]

    def add(self, name: str, own: list[str], broad: list[str], description: str = "") -> int:
        self.name.append(name)
        self.held_out.append(self.phrase_ids([p for p in own + broad if held_out_endings(p)]))
        own = [p for p in own if not held_out_endings(p)]
        self.own.append(self.phrase_ids(own))
        self.broad.append(self.phrase_ids([p for p in broad if p not in own and not held_out_endings(p)]))
        self.described.append(self.phrase_ids([description]) if description and not tells_held_out(description) else [])
        return len(self.own) - 1


def fraction(name: str) -> float:
    """A number in [0, 1) that depends on a name alone, for splits that no order of things can change."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / 2**48


def nationalities(data: Path) -> frozenset[str]:
    names = json.loads((data / "entity-lists" / "geography" / "nationalities.json").read_text(encoding="utf-8"))["nationalities"]
    return frozenset(form for name in names for form in (name, name + "s"))


def function_words(data: Path) -> frozenset[str]:
    content = (data / "entity-lists" / "words" / "stopwords" / "en.json").read_text(encoding="utf-8")
    return frozenset(word.lower() for word in json.loads(content)["stopWords"])


class _Words(NamedTuple):
    """How often openings write a word in lower case, capitalised, and as a noun alone after an article."""

    lower: Counter
    upper: Counter
    noun: Counter

    def __add__(self, other: "_Words") -> "_Words":
        return _Words(*(mine + theirs for mine, theirs in zip(self, other)))


def _read_leads(arguments: tuple[Path, frozenset[str], frozenset[str]]) -> tuple[list[Lead], _Words]:
    shard, adjectives, stop = arguments
    leads, words = [], _Words(Counter(), Counter(), Counter())
    for article in articles(shard):
        opening = sentences(article.text[:1500])
        first = opening[0] if opening else ""
        name = plain_title(article.title)
        small = name[:1].lower() + name[1:]
        common = (
            small != name and small == small.lower() and len(re.findall(rf"(?<=[a-z,;] ){re.escape(small)}\b", article.text)) >= 2
        )
        leads.append(Lead(article.title, *lead_types(first, adjectives), bool(_BORN.match(first)), common))
        for sentence in opening:
            found = WORD.findall(sentence)
            for word in found[1:]:
                (words.lower if word.islower() else words.upper)[word.lower()] += 1
            for before, word, after in zip(found, found[1:], found[2:]):
                if before in ARTICLES and word.islower() and (not after.isalpha() or after in stop):
                    words.noun[word] += 1
    return leads, words


def suffixes(words: list[str], heads: frozenset[str]) -> list[str]:
    """american film director -> itself, film director, director; plural heads in the singular; nothing without a type."""
    words = [word.lower() for word in words]
    if words[-1] not in heads:
        words[-1] = singular(words[-1])
    return [" ".join(words[i:]) for i in range(len(words))] if words[-1] in heads else []


def _singular(name: str, nouns: frozenset[str]) -> str:
    """The last word in the singular that text uses as a noun, of those its spelling allows: wolves -> wolf, buses -> bus."""
    *words, last = name.split() or [""]
    forms = (last[: -len(end)] + instead for end, instead in _PLURALS if last.endswith(end))
    return " ".join([*words, next((form for form in forms if form in nouns), singular(last))])


def _types_in_text(
    data: Path, files: int, types: frozenset[str], nouns: frozenset[str], processes: int
) -> dict[str, dict[str, int]]:
    """What text's lists say of a name at least three times: common nouns in the singular, capitalised names as written."""
    stop = function_words(data)
    counts: dict[str, Counter] = defaultdict(Counter)
    for (item, broader), n in listed_in_text(data, files, types, stop, processes).items():
        everyday = item == item.lower()
        name = _singular(item, nouns) if everyday else item
        if not everyday or name.split()[-1] in nouns:
            counts[name][broader] += n
    kept = {}
    for item, found in counts.items():
        least = max(3, sum(found.values()) / 4)
        strong = {t: n for t, n in found.items() if n >= least and t != item and not item.endswith(" " + t)}
        if strong and len(item) > 2:
            kept[item] = strong
    return kept


def _disambiguation(title: str, heads: frozenset[str]) -> list[str]:
    """The types in a title's brackets: "Limelight (Marti Webb album)" -> ..., album."""
    brackets = re.search(r"\(([^()]+)\)$", title)
    return suffixes(brackets.group(1).split(), heads) if brackets else []


@dataclass
class _Broader:
    """Types above a type, of all three sources."""

    usual: dict[str, list[str]]  # FIGER's, by what most entities of a type are
    typenet: TypeNet
    in_text: dict[str, dict[str, int]]

    def above(self, phrase: str) -> list[str]:
        """TypeNet counts only where FIGER does not speak against its sense of the word."""
        by_figer, by_typenet = self.usual.get(phrase, []), self.typenet.broader(phrase)
        agrees = bool(set(by_figer) & set(by_typenet)) if by_figer else self.typenet.is_freebase(phrase)
        by_text = [t for t, n in self.in_text.get(phrase, {}).items() if n >= 3 and n > self.in_text.get(t, {}).get(phrase, 0)]
        return [*wider(phrase), *by_figer, *(by_typenet if agrees else []), *by_text]


class _Claims:
    """Who claims which name. What the name alone stands for goes before what needs brackets or a comma to be told."""

    def __init__(self) -> None:
        self._strong: dict[str, set[int]] = defaultdict(set)
        self._weak: dict[str, set[int]] = defaultdict(set)

    def add(self, entity: int, *names: str, weak: bool = False) -> None:
        for name in names:
            (self._weak if weak else self._strong)[joined_words(name)].add(entity)

    def __contains__(self, name: object) -> bool:
        return joined_words(str(name)) in self._strong

    def alone(self) -> Iterator[tuple[str, int]]:
        """The names with one claimant."""
        for name, claimants in (self._weak | self._strong).items():
            if len(claimants) == 1:
                yield name, next(iter(claimants))


def collect_entities(data: Path, files: int, processes: int = 2) -> Entities:
    adjectives, stop = read_adjectives(data), function_words(data)
    with Pool(processes) as pool:
        parts = pool.map(_read_leads, [(shard, adjectives, stop) for shard in shards(data)[:files]], chunksize=1)
    leads = [lead for part in parts for lead in part[0]]
    words = reduce(operator.add, (part[1] for part in parts))

    entities, claims = Entities(), _Claims()
    heads = type_heads([{phrase[-1] for phrase in lead.types} for lead in leads])
    least, share = NOUN
    nouns = (word for word, n in words.noun.items() if n >= least and n >= share * words.lower[word] and len(word) > 2)
    entities.heads = heads
    entities.nouns = frozenset(word for word in nouns if word.isalpha() and word not in adjectives | stop)
    typed = [
        list(dict.fromkeys([p for phrase in lead.types for p in suffixes(phrase, heads)] + _disambiguation(lead.title, heads)))
        for lead in leads
    ]
    count = Counter(phrase for own in typed for phrase in own)

    figer, lists = figer_types(data), listed_entities(data)
    known_types = frozenset(p for p, n in count.items() if n >= MINIMUM) | {t for types in lists.values() for t in types}
    in_text = _types_in_text(data, files, known_types, entities.nouns, processes)
    usual = usual_types([(own, figer[lead.title]) for lead, own in zip(leads, typed) if lead.title in figer])
    broader = _Broader(usual, TypeNet(data), in_text)

    untyped = []
    for lead, own in zip(leads, typed):
        # Whole phrases stay even when rare: people ask in such words. Their shorter forms need company.
        whole = {" ".join(phrase).lower() for phrase in lead.types}
        own = [p for p in own if p in whole or count[p] >= COMPANY]
        name = plain_title(lead.title)
        broad = [b for p in own for b in broader.above(p)] + figer.get(lead.title, [])
        if not (lead.common and PROPER & set(lists.get(name, []))):
            broad += lists.get(name, [])
        broad += in_text.get(_singular(name.lower(), entities.nouns) if lead.common else name, {})
        if lead.person:
            broad.append("person")
        if not own and not broad:
            untyped.append(lead.title)
            continue
        entity = entities.add(lead.title, own, broad, lead.description)
        entities.titles[lead.title] = entity
        if lead.person:
            entities.people.add(entity)
        if not lead.common:
            _claim_title(claims, entity, lead.title)
        elif count[name.lower()] < TYPE_ITSELF and name == lead.title and not PROPER & set(broad):
            claims.add(entity, name.lower(), name.lower() + "s")
    for title, types in figer.items():
        if title not in entities.titles:
            own = [p for p in _disambiguation(title, heads) if count[p] >= COMPANY]
            _claim_title(claims, entities.add(title, own, types), title)
    for title in untyped:
        _claim_title(claims, -1, title)
    for name, types in lists.items():
        small = name.lower()
        if name not in claims and small not in claims and count[small] < TYPE_ITSELF:
            entity = entities.add(name, types[:1], [b for t in types for b in (t, *broader.above(t))])
            entities.listed.add(entity)
            several = len(name.split()) > 1
            if several or name == small or ALONE & set(types):
                claims.add(entity, name, *([small] if several and not PROPER & set(types) else []))
    for name, types in in_text.items():
        everyday = name == name.lower() and name.split()[-1] not in adjectives
        if everyday and name not in claims and count[name] < TYPE_ITSELF:
            entity = entities.add(name, list(types), [b for t in types for b in broader.above(t)])
            entities.listed.add(entity)
            claims.add(entity, name, name + "s")
    entities.first_noun = len(entities.own)

    surnames = Counter(plain_title(lead.title).split()[-1] for lead in leads if lead.person)
    people = _people_names(data) | {name for name, times in surnames.items() if times > 2}
    _keep_unambiguous(entities, claims, words, nationalities(data) | NO_NAME, people)
    return entities


def _claim_title(claims: _Claims, entity: int, title: str) -> None:
    """ "Talk (software)" claims no "talk", and "Springfield, Ohio" its name only where nothing is called so outright."""
    name = plain_title(title)
    bracketed = "(" in title
    if not bracketed or sum(word[0].isupper() for word in name.split()) > 2:
        claims.add(entity, name, weak=name != title)


def _people_names(data: Path) -> set[str]:
    humans = data / "entity-lists" / "humans"
    return {
        name
        for key in ("firstNames", "lastNames")
        for name in json.loads((humans / f"{key}.json").read_text(encoding="utf-8"))[key]
    }


def _keep_unambiguous(entities: Entities, claims: _Claims, text: _Words, no_names: frozenset[str], people: set[str]) -> None:
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
