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
from dataclasses import dataclass
from functools import reduce
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

from .claims import Claims, WordCounts, keep_unambiguous
from .corpus import articles, sentences, shards
from .entities import Entities
from .hearst import listed_in_text, singular
from .hierarchy import TypeNet, figer_types, usual_types, wider
from .leads import lead_types, plain_title, read_adjectives
from .lists import listed_entities
from .type_nouns import MINIMUM, type_heads
from .words import ARTICLES, WORD

_BORN = re.compile(r"^[^.]{0,80}\([^()]*(?:\bborn\b|\b\d{3,4}\s*[–-]\s*[^()]*\d{3,4})[^()]*\)[^.]*\b(?:is|was)\b")
NO_NAME = frozenset(
    "January February March April May June July August September October November December Monday Tuesday Wednesday Thursday "
    "Friday Saturday Sunday I He She It They We The A An In On At".split()
)
COMPANY = 5  # entities a shortened phrase must have
TYPE_ITSELF = 20  # a type with so many entities is itself no mention of anything: "the village" names none
NOUN = 5, 0.06  # times a word stands as a noun alone after an article, and the share of all its times
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


def fraction(name: str) -> float:
    """A number in [0, 1) that depends on a name alone, for splits that no order of things can change."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / 2**48


def nationalities(data: Path) -> frozenset[str]:
    names = json.loads((data / "entity-lists" / "geography" / "nationalities.json").read_text(encoding="utf-8"))["nationalities"]
    return frozenset(form for name in names for form in (name, name + "s"))


def function_words(data: Path) -> frozenset[str]:
    content = (data / "entity-lists" / "words" / "stopwords" / "en.json").read_text(encoding="utf-8")
    return frozenset(word.lower() for word in json.loads(content)["stopWords"])


def _read_leads(arguments: tuple[Path, frozenset[str], frozenset[str]]) -> tuple[list[Lead], WordCounts]:
    shard, adjectives, stop = arguments
    leads, words = [], WordCounts(Counter(), Counter(), Counter())
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


def collect_entities(data: Path, files: int, processes: int = 2) -> Entities:
    adjectives, stop = read_adjectives(data), function_words(data)
    with Pool(processes) as pool:
        parts = pool.map(_read_leads, [(shard, adjectives, stop) for shard in shards(data)[:files]], chunksize=1)
    leads = [lead for part in parts for lead in part[0]]
    words = reduce(operator.add, (part[1] for part in parts))

    entities, claims = Entities(), Claims()
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
            claims.add_title(entity, lead.title)
        elif count[name.lower()] < TYPE_ITSELF and name == lead.title and not PROPER & set(broad):
            claims.add(entity, name.lower(), name.lower() + "s")
    for title, types in figer.items():
        if title not in entities.titles:
            own = [p for p in _disambiguation(title, heads) if count[p] >= COMPANY]
            claims.add_title(entities.add(title, own, types), title)
    for title in untyped:
        claims.add_title(-1, title)
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
    keep_unambiguous(entities, claims, words, nationalities(data) | NO_NAME, people)
    return entities


def _people_names(data: Path) -> set[str]:
    humans = data / "entity-lists" / "humans"
    return {
        name
        for key in ("firstNames", "lastNames")
        for name in json.loads((humans / f"{key}.json").read_text(encoding="utf-8"))[key]
    }
