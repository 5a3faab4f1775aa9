"""Silver supervision: mentions in running text whose types are known without anybody having read them.

An entity is an article's title (typed by its lead sentence), a FIGER title or an entry of an entity list. Its mentions are
the unambiguous matches of its name: capitalised names as written, common nouns ("asthma", "sari") in lower case. Names
nobody typed are kept as spans for the mention detector (`matching.py`).
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

from .corpus import articles, sentences, shards
from .hearst import listed_in_text, singular
from .hierarchy import TypeNet, figer_types, usual_types
from .leads import lead_types, plain_title, read_adjectives
from .lists import listed_entities

WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_BORN = re.compile(r"^[^.]{0,80}\([^()]*(?:\bborn\b|\b\d{3,4}\s*[–-]\s*[^()]*\d{3,4})[^()]*\)[^.]*\b(?:is|was)\b")
NO_NAME = frozenset(
    "January February March April May June July August September October November December Monday Tuesday Wednesday Thursday "
    "Friday Saturday Sunday I He She It They We The A An In On At".split()
)
MINIMUM = 8  # entities a head noun must have to count as a type
COMPANY = 5  # entities a shortened phrase must have
TYPE_ITSELF = 20  # a type with so many entities is itself no mention of anything: "the village" names none
HELD_OUT_HEADS = 40
LONGEST_NAME = 7


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
    listed: set[int] = field(default_factory=set)  # entities of the lists, whose lower-case names are surely names


def fraction(name: str) -> float:
    """A number in [0, 1) that depends on a name alone, for splits that no order of things can change."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / 2**48


def nationalities(data: Path) -> frozenset[str]:
    names = json.loads((data / "entity-lists" / "geography" / "nationalities.json").read_text(encoding="utf-8"))["nationalities"]
    return frozenset(form for name in names for form in (name, name + "s"))


def function_words(data: Path) -> frozenset[str]:
    content = (data / "entity-lists" / "words" / "stopwords" / "en.json").read_text(encoding="utf-8")
    return frozenset(word.lower() for word in json.loads(content)["stopWords"])


def joined_words(text: str) -> str:
    return " ".join(WORD.findall(text))


def _read_leads(arguments: tuple[Path, frozenset[str]]) -> tuple[list[Lead], Counter, Counter]:
    shard, adjectives = arguments
    leads, lower, upper = [], Counter(), Counter()
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
            for word in WORD.findall(sentence)[1:]:
                (lower if word.islower() else upper)[word.lower()] += 1
    return leads, lower, upper


def _suffixes(words: list[str], heads: frozenset[str]) -> list[str]:
    """american film director -> itself, film director, director; plural heads in the singular; nothing without a type."""
    words = [word.lower() for word in words]
    if words[-1] not in heads and words[-1].endswith("s") and words[-1][:-1] in heads:
        words[-1] = words[-1][:-1]
    return [" ".join(words[i:]) for i in range(len(words))] if words[-1] in heads else []


def _singular(name: str) -> str:
    *words, last = name.split() or [""]
    return " ".join([*words, singular(last)])


def _types_in_text(data: Path, files: int, types: frozenset[str], processes: int) -> dict[str, dict[str, int]]:
    """What text's lists say of a name at least twice: common nouns in the singular, capitalised names as written."""
    stop = function_words(data)
    counts: dict[str, Counter] = defaultdict(Counter)
    for (item, broader), n in listed_in_text(data, files, types, stop, processes).items():
        counts[_singular(item) if item == item.lower() else item][broader] += n
    kept = {}
    for item, found in counts.items():
        least = max(2, found.most_common(1)[0][1] / 4)
        strong = {t: n for t, n in found.items() if n >= least and t != item and not item.endswith(" " + t)}
        if strong and len(item) > 2:
            kept[item] = strong
    return kept


def _type_heads(leads: list[Lead]) -> frozenset[str]:
    """The nouns that count as types: frequent enough at the end of a lead phrase, and not mostly names."""
    lower, upper = Counter(), Counter()
    for lead in leads:
        for head in {words[-1] for words in lead.types}:
            (lower if head.islower() else upper)[head.lower()] += 1
    return frozenset(h for h, n in lower.items() if n >= MINIMUM and n > upper[h] and h.isalpha() and len(h) > 2)


def _disambiguation(title: str, heads: frozenset[str]) -> list[str]:
    """The types in a title's brackets: "Limelight (Marti Webb album)" -> ..., album."""
    brackets = re.search(r"\(([^()]+)\)$", title)
    return _suffixes(brackets.group(1).split(), heads) if brackets else []


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
        return [*by_figer, *(by_typenet if agrees else []), *by_text]


class _Register:
    """Entities being collected, and who claims which name."""

    def __init__(self, held_out: frozenset[str]):
        self.entities = Entities()
        self.held_out = held_out
        self.claims: dict[str, set[int]] = defaultdict(set)
        self._index: dict[str, int] = {}

    def _ids(self, phrases: list[str]) -> list[int]:
        for phrase in phrases:
            if phrase not in self._index:
                self._index[phrase] = len(self.entities.phrases)
                self.entities.phrases.append(phrase)
        return [self._index[phrase] for phrase in dict.fromkeys(phrases)]

    def _is_held_out(self, phrase: str) -> bool:
        return phrase.split()[-1] in self.held_out

    def add(self, name: str, own: list[str], broad: list[str], description: str = "") -> int:
        entities = self.entities
        entities.name.append(name)
        entities.held_out.append(self._ids([p for p in own if self._is_held_out(p)]))
        own = [p for p in own if not self._is_held_out(p)]
        entities.own.append(self._ids(own))
        entities.broad.append(self._ids([p for p in broad if p not in own and not self._is_held_out(p)]))
        tells = not description or self.held_out & set(description.split())
        entities.described.append([] if tells else self._ids([description]))
        return len(entities.own) - 1

    def claim(self, entity: int, *names: str) -> None:
        for name in names:
            self.claims[joined_words(name)].add(entity)

    def is_claimed(self, name: str) -> bool:
        return joined_words(name) in self.claims


def collect_entities(data: Path, files: int, processes: int = 2) -> Entities:
    adjectives = read_adjectives(data)
    with Pool(processes) as pool:
        parts = pool.map(_read_leads, [(shard, adjectives) for shard in shards(data)[:files]], chunksize=1)
    leads = [lead for part in parts for lead in part[0]]
    lower, upper = sum((part[1] for part in parts), Counter()), sum((part[2] for part in parts), Counter())

    heads = _type_heads(leads)
    typed = [
        list(dict.fromkeys([p for words in lead.types for p in _suffixes(words, heads)] + _disambiguation(lead.title, heads)))
        for lead in leads
    ]
    count = Counter(phrase for own in typed for phrase in own)
    candidates = sorted((head for head in heads if 20 <= count[head] <= 400), key=fraction)
    register = _Register(frozenset(candidates[:HELD_OUT_HEADS]))

    figer, lists = figer_types(data), listed_entities(data)
    known_types = frozenset(p for p, n in count.items() if n >= MINIMUM) | {t for types in lists.values() for t in types}
    in_text = _types_in_text(data, files, known_types, processes)
    usual = usual_types([(own, figer[lead.title]) for lead, own in zip(leads, typed) if lead.title in figer])
    broader = _Broader(usual, TypeNet(data), in_text)

    untyped = []
    for lead, own in zip(leads, typed):
        # Whole phrases stay even when rare: people ask in such words. Their shorter forms need company.
        whole = {" ".join(words).lower() for words in lead.types}
        own = [p for p in own if p in whole or count[p] >= COMPANY]
        name = plain_title(lead.title)
        broad = [b for p in own for b in broader.above(p)] + figer.get(lead.title, []) + lists.get(name, [])
        broad += in_text.get(_singular(name.lower()) if lead.common else name, {})
        if lead.person:
            broad.append("person")
        if not own and not broad:
            untyped.append(lead.title)
            continue
        entity = register.add(lead.title, own, broad, lead.description)
        register.entities.titles[lead.title] = entity
        if lead.person:
            register.entities.people.add(entity)
        if not lead.common:
            register.claim(entity, name)
        elif count[name.lower()] < TYPE_ITSELF:
            register.claim(entity, name.lower(), name.lower() + "s")
    for title, types in figer.items():
        if title not in register.entities.titles:
            own = [p for p in _disambiguation(title, heads) if count[p] >= COMPANY]
            register.claim(register.add(title, own, types), plain_title(title))
    for title in untyped:
        register.claim(-1, plain_title(title))
    for name, types in lists.items():
        small = name.lower()
        if not register.is_claimed(name) and not register.is_claimed(small) and count[small] < TYPE_ITSELF:
            entity = register.add(name, types[:1], [b for t in types for b in (t, *broader.above(t))])
            register.entities.listed.add(entity)
            register.claim(entity, name, *([small] if len(name.split()) > 1 else []))
    for name, types in in_text.items():
        everyday = name == name.lower() and name.split()[-1] not in adjectives
        if everyday and not register.is_claimed(name) and count[name] < TYPE_ITSELF:
            entity = register.add(name, list(types), [b for t in types for b in broader.above(t)])
            register.entities.listed.add(entity)
            register.claim(entity, name, name + "s")

    surnames = Counter(plain_title(lead.title).split()[-1] for lead in leads if lead.person)
    people = _people_names(data) | {name for name, times in surnames.items() if times > 2}
    _keep_unambiguous(register, lower, upper, nationalities(data) | NO_NAME, people)
    return register.entities


def _people_names(data: Path) -> set[str]:
    humans = data / "entity-lists" / "humans"
    return {
        name
        for key in ("firstNames", "lastNames")
        for name in json.loads((humans / f"{key}.json").read_text(encoding="utf-8"))[key]
    }


def _keep_unambiguous(register: _Register, lower: Counter, upper: Counter, no_names: frozenset[str], people: set[str]) -> None:
    """Gives the entities the names that only they claim and that are not ordinary words too.

    lower, upper: how often text writes a word in lower case and capitalised.
    """
    for name, claimants in register.claims.items():
        words = name.split()
        if len(claimants) != 1 or len(words) > LONGEST_NAME or len(name) < 3 or name in no_names or name[0].isdigit():
            continue
        single, capital, first = len(words) == 1, name[0].isupper(), words[0].lower()
        if single and capital:
            unsure = lower[first] * 3 > upper[first] or name in people
        elif single:
            unsure = lower[first] > 3000 or len(name) < 4
        else:  # "The wall", "It happened" begin like any sentence
            unsure = capital and sum(w[0].isupper() for w in words) < 2 and lower[first] > upper[first]
        if not unsure:
            register.entities.names[name] = next(iter(claimants))
            register.entities.first[words[0]] = max(register.entities.first.get(words[0], 0), len(words))
