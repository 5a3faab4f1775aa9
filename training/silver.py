"""Silver supervision: mentions in running text whose types are known without anybody having read them.

An entity is an article's title (typed by its lead sentence), a FIGER title or an entry of an entity list. Its mentions are
the unambiguous matches of its name: capitalised names as written, common nouns ("asthma", "sari") in lower case. Names
nobody typed are kept as spans for the mention detector.
"""

import hashlib
import json
import random
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
_CONNECTORS = frozenset("of de von van der den del della di la le du da dos bin ibn al el y".split())
_NO_NAME = frozenset(
    "January February March April May June July August September October November December Monday Tuesday Wednesday Thursday "
    "Friday Saturday Sunday I He She It They We The A An In On At".split()
)
MINIMUM = 8  # entities a head noun, and 5 a longer phrase, must have to count as a type
HELD_OUT_HEADS = 40
PER_ENTITY = 30
LONGEST_NAME = 7


class Lead(NamedTuple):
    """What pass one keeps of an article."""

    title: str
    types: list[list[str]]
    description: str  # the types with what follows them, or nothing
    person: bool
    common: bool  # the title is a common noun: its own article writes it in lower case


class Unit(NamedTuple):
    """A text to train on. Spans: (start, end, entity index, or -1 for a name without a type, or -2 for one in doubt)."""

    text: str
    spans: list[tuple[int, int, int]]
    lead: bool  # whether it opens an article, and so gives a type away
    file: int  # index of the corpus file it is from


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


def _nationalities(data: Path) -> frozenset[str]:
    names = json.loads((data / "entity-lists" / "geography" / "nationalities.json").read_text(encoding="utf-8"))["nationalities"]
    return frozenset(form for name in names for form in (name, name + "s"))


def _words(text: str) -> str:
    return " ".join(WORD.findall(text))


def _read_leads(arguments: tuple[Path, frozenset[str]]) -> tuple[list[Lead], Counter, Counter]:
    shard, adjectives = arguments
    leads, lower, upper = [], Counter(), Counter()
    for article in articles(shard):
        opening = sentences(article.text[:1500])
        first = opening[0] if opening else ""
        name = plain_title(article.title)
        small = name[:1].lower() + name[1:]
        common = small != name and small == small.lower() and len(re.findall(rf"(?<=[a-z,;] ){re.escape(small)}\b", article.text)) >= 2
        leads.append(Lead(article.title, *lead_types(first, adjectives), bool(_BORN.match(first)), common))
        for sentence in opening:
            for word in WORD.findall(sentence)[1:]:
                (lower if word.islower() else upper)[word.lower()] += 1
    return leads, lower, upper


def _suffixes(words: list[str], heads: frozenset[str]) -> list[str]:
    """"American film director" -> itself, "film director", "director"; plural heads in the singular; nothing if the head is no type."""
    words = [word.lower() for word in words]
    if words[-1] not in heads and words[-1].endswith("s") and words[-1][:-1] in heads:
        words[-1] = words[-1][:-1]
    return [" ".join(words[i:]) for i in range(len(words))] if words[-1] in heads else []


def _singular(name: str) -> str:
    *words, last = name.split() or [""]
    return " ".join([*words, singular(last)])


def _types_in_text(data: Path, types: frozenset[str], processes: int) -> dict[str, dict[str, int]]:
    """What text's lists say of a name at least twice: common nouns in the singular, capitalised names as written."""
    stop = frozenset(word.lower() for word in json.loads((data / "entity-lists" / "words" / "stopwords" / "en.json").read_text())["stopWords"])
    counts: dict[str, Counter] = defaultdict(Counter)
    for (item, broader), n in listed_in_text(data, types, stop, processes).items():
        counts[_singular(item) if item == item.lower() else item][broader] += n
    kept = {}
    for item, found in counts.items():
        least = max(2, found.most_common(1)[0][1] / 4)
        strong = {t: n for t, n in found.items() if n >= least and t != item and not item.endswith(" " + t)}
        if strong and len(item) > 2:
            kept[item] = strong
    return kept


def collect_entities(data: Path, processes: int = 2) -> Entities:
    adjectives = read_adjectives(data)
    with Pool(processes) as pool:
        parts = pool.map(_read_leads, [(shard, adjectives) for shard in shards(data)], chunksize=1)
    leads = [lead for part in parts for lead in part[0]]
    lower, upper = sum((part[1] for part in parts), Counter()), sum((part[2] for part in parts), Counter())

    head_lower, head_upper = Counter(), Counter()
    for lead in leads:
        for head in {words[-1] for words in lead.types}:
            (head_lower if head.islower() else head_upper)[head.lower()] += 1
    heads = frozenset(h for h, n in head_lower.items() if n >= MINIMUM and n > head_upper[h] and h.isalpha() and len(h) > 2)
    typed = [[phrase for words in lead.types for phrase in _suffixes(words, heads)] for lead in leads]
    for lead, own in zip(leads, typed):
        disambiguation = re.search(r"\(([^()]+)\)$", lead.title)
        if disambiguation:
            own += _suffixes(disambiguation.group(1).split(), heads)
    count = Counter(phrase for own in typed for phrase in set(own))

    figer, typenet, lists = figer_types(data), TypeNet(data), listed_entities(data)
    usual = usual_types([(sorted(set(own)), figer[lead.title]) for lead, own in zip(leads, typed) if lead.title in figer])

    text_types = _types_in_text(data, frozenset(p for p, n in count.items() if n >= MINIMUM) | {t for ts in lists.values() for t in ts}, processes)

    def above(phrase: str) -> list[str]:
        """Broader types of a phrase; TypeNet's only where FIGER does not speak against its sense of the word."""
        by_figer, by_typenet = usual.get(phrase, []), typenet.broader(phrase)
        if by_figer and not set(by_figer) & set(by_typenet) or not by_figer and not typenet.is_freebase(phrase):
            by_typenet = []
        by_text = [t for t, n in text_types.get(phrase, {}).items() if n >= 3 and n > text_types.get(t, {}).get(phrase, 0)]
        return [*by_figer, *by_typenet, *by_text]

    candidates = sorted((h for h in heads if 20 <= count[h] <= 400), key=fraction)
    held_out = set(candidates[:HELD_OUT_HEADS])
    entities, index = Entities(), {}

    def phrase_ids(names: list[str]) -> list[int]:
        for name in names:
            if name not in index:
                index[name] = len(entities.phrases)
                entities.phrases.append(name)
        return [index[name] for name in dict.fromkeys(names)]

    def add(name: str, own: list[str], broad: list[str], description: str = "") -> int:
        out = [p for p in own if p.split()[-1] in held_out]
        own = [p for p in own if p not in out]
        broad = [p for p in broad if p not in own and p.split()[-1] not in held_out]
        entities.own.append(phrase_ids(own))
        entities.broad.append(phrase_ids(broad))
        entities.held_out.append(phrase_ids(out))
        entities.described.append(phrase_ids([description]) if description and not held_out & set(description.split()) else [])
        entities.name.append(name)
        return len(entities.own) - 1

    claims: dict[str, set[int]] = defaultdict(set)  # name -> the entities that go by it
    surnames = Counter(plain_title(lead.title).split()[-1] for lead in leads if lead.person)
    people_names = set()
    for file, key in (("firstNames", "firstNames"), ("lastNames", "lastNames")):
        people_names |= set(json.loads((data / "entity-lists" / "humans" / f"{file}.json").read_text())[key])
    untyped_titles = []
    for lead, own in zip(leads, typed):
        # Whole phrases stay even when rare: people ask in such words. Their shorter forms need company.
        whole = {" ".join(w.lower() for w in words) for words in lead.types}
        own = [p for p in dict.fromkeys(own) if p in whole or count[p] >= 5]
        name = plain_title(lead.title)
        broad = [b for p in own for b in above(p)] + figer.get(lead.title, []) + lists.get(name, [])
        broad += text_types.get(_singular(name.lower()) if lead.common else name, {})
        if lead.person:
            broad.append("person")
        if not own and not broad:
            untyped_titles.append(lead.title)
            continue
        entity = add(lead.title, own, list(dict.fromkeys(broad)), lead.description)
        entities.titles[lead.title] = entity
        if lead.person:
            entities.people.add(entity)
        if lead.common:
            if count[name.lower()] < 20:  # a frequent type's own name is no mention of anything
                claims[_words(name.lower())].add(entity)
                claims[_words(name.lower() + "s")].add(entity)
        else:
            claims[_words(name)].add(entity)
    for title, types in figer.items():
        if title not in entities.titles:
            disambiguation = re.search(r"\(([^()]+)\)$", title)
            own = _suffixes(disambiguation.group(1).split(), heads) if disambiguation else []
            claims[_words(plain_title(title))].add(add(title, [p for p in own if count[p] >= 5], types))
    for title in untyped_titles:
        claims[_words(plain_title(title))].add(-1)
    for name, types in lists.items():
        key = _words(name)
        if key not in claims and key.lower() not in claims and count[name.lower()] < 20:
            entity = add(name, types[:1], [b for t in types for b in [t, *above(t)]])
            entities.listed.add(entity)
            claims[key].add(entity)
            if key.lower() != key and len(key.split()) > 1:
                claims[key.lower()].add(entity)

    for name, types in text_types.items():
        words = _words(name)
        if name == name.lower() and words not in claims and count[name] < 20 and name.split()[-1] not in adjectives:
            entity = add(name, list(types), [b for t in types for b in above(t)])
            entities.listed.add(entity)
            claims[words].add(entity)
            claims[words + "s"].add(entity)

    nationalities = _nationalities(data)
    for name, claimants in claims.items():
        words = name.split()
        if len(claimants) != 1 or len(words) > LONGEST_NAME or len(name) < 3 or name in nationalities or name[0].isdigit():
            continue
        if len(words) == 1 and name[0].isupper():
            # One capitalised word: no name that is an ordinary word too, and nobody's first or last name.
            if lower[name.lower()] * 3 > upper[name.lower()] or name in people_names or surnames[name] > 2 or name in _NO_NAME:
                continue
        elif not name[0].isupper() and len(words) == 1 and (lower[name] > 3000 or len(name) < 4):
            continue
        elif name[0].isupper() and len(words) > 1 and sum(w[0].isupper() for w in words) < 2 and lower[words[0].lower()] > upper[words[0].lower()]:
            continue
        entities.names[name] = next(iter(claimants))
        entities.first[words[0]] = max(entities.first.get(words[0], 0), len(words))
    return entities


_shared: Entities  # set before the pool forks, so that the workers read the parent's memory


def _match(text: str, own: dict[str, int], first: dict[str, int]) -> list[tuple[int, int, int]]:
    """The spans of a text: typed matches, longest first from the left, then runs of capitals beside them."""
    places = [(m.start(), m.end()) for m in WORD.finditer(text)]
    words = [text[start:end] for start, end in places]
    names, global_first = _shared.names, _shared.first
    spans, taken, i = [], [False] * len(words), 0
    starts = {0} | {k + 1 for k, word in enumerate(words) if word in ".!?:\"“"}
    while i < len(words):
        word, step = words[i], 1
        begins = i in starts and word[:1].isupper()
        forms = (word, word[0].lower() + word[1:]) if begins else (word,)
        for form in forms:
            longest = max(global_first.get(form, 0), first.get(form, 0))
            for length in range(min(longest, len(words) - i), 0, -1):
                key = " ".join((form, *words[i + 1 : i + length]))
                entity = own.get(key)
                if entity is None:
                    entity = names.get(key)
                if entity is not None:
                    following = words[i + length] if i + length < len(words) else ""
                    # "Paris Hilton" is no mention of Paris: a name must not run on in capitals.
                    runs_on = form[0].isupper() and following[:1].isupper() and following.isalpha()
                    before = i > 0 and form[0].isupper() and words[i - 1][:1].isupper() and words[i - 1].isalpha() and i - 1 not in starts
                    if not runs_on and not before:
                        spans.append((places[i][0], places[i + length - 1][1], entity))
                        taken[i : i + length] = [True] * length
                        step = length
                    break
            if step > 1 or taken[i]:
                break
        i += step
    i = 0
    while i < len(words):
        if taken[i] or not words[i][0].isupper() or not words[i].isalpha():
            i += 1
            continue
        j = i + 1
        while j < len(words) and not taken[j]:
            if words[j][0].isupper() and words[j].isalpha():
                j += 1
            elif words[j] in _CONNECTORS and j + 1 < len(words) and words[j + 1][0].isupper() and not taken[j + 1]:
                j += 2
            else:
                break
        touches = j < len(words) and taken[j] or i > 0 and taken[i - 1]
        if j == i + 1 and (words[i] in _NO_NAME or words[i] in _demonyms):
            pass
        elif i in starts or touches:
            if not (j == i + 1 and words[i].lower() in _function_words):
                spans.append((places[i][0], places[j - 1][1], -2))
        else:
            spans.append((places[i][0], places[j - 1][1], -1))
        i = j
    return sorted(spans)


_function_words: frozenset[str] = frozenset()
_demonyms: frozenset[str] = frozenset()


def _units(arguments: tuple[int, Path]) -> list[Unit]:
    file, shard = arguments
    generator = random.Random(shard.name)
    seen: Counter = Counter()
    units = []
    for article in articles(shard):
        entity = _shared.titles.get(article.title, -1)
        own, first = {}, {}
        name = plain_title(article.title)
        aliases = [_words(name)]
        if entity in _shared.people and len(name.split()) > 1:
            aliases.append(name.split()[-1])
        for alias in aliases:
            if alias and alias[0].isupper():
                own[alias] = entity
                first[alias.split()[0]] = max(first.get(alias.split()[0], 0), len(alias.split()))
        text = sentences(article.text)
        position = 0
        while position < len(text):
            # Mostly single sentences, now and then a longer window, so that long texts are no surprise.
            size = generator.choice((2, 3, 4)) if generator.random() < 0.12 else 1
            unit, is_lead = " ".join(text[position : position + size]), position == 0
            position += size
            if not 20 <= len(unit) <= 600 or (is_lead and generator.random() < 0.6):
                continue
            spans = _match(unit, own, first)
            kept, useful = [], False
            for start, end, found in spans:
                if found >= 0:
                    seen[found] += 1
                    useful |= seen[found] <= PER_ENTITY
                kept.append((start, end, found))
            if useful or (any(s[2] == -1 for s in kept) and generator.random() < 0.03):
                units.append(Unit(unit, kept, is_lead, file))
    return units


def match_units(data: Path, entities: Entities, files: int, processes: int = 2) -> list[Unit]:
    """The units of the corpus's first `files` files, in the corpus's order."""
    global _shared, _function_words, _demonyms
    _shared = entities
    lists = data / "entity-lists"
    _function_words = frozenset(w.lower() for w in json.loads((lists / "words" / "stopwords" / "en.json").read_text())["stopWords"])
    _demonyms = _nationalities(data)
    with Pool(processes) as pool:
        return [unit for part in pool.imap(_units, enumerate(shards(data)[:files])) for unit in part]
