"""A zero-shot benchmark of our own, in the manner of NERetrieve's test types: paragraphs that mention entities of types which
train nothing, among paragraphs that do not.

The types are those of `type_nouns.HELD_OUT`. Their labels are silver, but stricter than those that train: a name counts only
where it is an article's own title, without brackets ("Talk (software)" makes no talk a program), or within that article.
Paragraphs that hold a name which fails this are left out, and so are all lead sentences: they gave the types away. A document's
mentions are those whose types are known: what nobody typed may be of any type, and is judged neither right nor wrong.
No sentence that mentions an entity of a held-out type trained anything; its neighbours in a paragraph may have, for what else
they mention. The paragraphs without held-out types are of the corpus's last file, which trained nothing.
"""

import json
import random
from collections import Counter, defaultdict
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import recipe, silver
from .corpus import articles, paragraphs, shards
from .entities import Entities
from .leads import plain_title
from .matching import Matcher

DOCUMENTS = 20  # that a type must have
ENTITIES = 5  # that a type must have: finding one name is no finding of a type
PER_ENTITY, PER_TYPE = 5, 120  # documents beyond which a name or a type draws no further ones
DISTRACTORS = 1  # documents without a held-out type for each that has one
SHORTEST, LONGEST = 40, 480  # characters of a document: what the model reads at once
SEED = 3


class Document(NamedTuple):
    """Spans: (start, end, entity)."""

    id: str
    text: str
    spans: list[tuple[int, int, int]]


def passages(text: str) -> list[str]:
    """An article's paragraphs without its lead sentence, long ones in parts."""
    found: list[str] = []
    first, *others = paragraphs(text) or [[]]
    for paragraph in (first[1:], *others):
        part = ""
        for sentence in paragraph:
            if part and len(part) + len(sentence) > LONGEST:
                found.append(part)
                part = ""
            part = f"{part} {sentence}".strip()
        found.append(part)
    return [part for part in found if SHORTEST <= len(part) <= LONGEST]


class Source:
    """What a worker reads with. `held_out`: the entities with a type to be asked for."""

    def __init__(self, data: Path, entities: Entities, held_out: set[int]):
        self.matcher, self.held_out = Matcher(data, entities), held_out
        # Their names alone tell them: no brackets were needed.
        self.plain = {entity for title, entity in entities.titles.items() if title == plain_title(title)}

    def documents(self, shard: Path, distractors: bool) -> tuple[list[Document], list[Document]]:
        """The passages of one file with and, where they are wanted, without mentions of held-out types."""
        relevant, others = [], []
        for article in articles(shard):
            own = self.matcher.own_names(article)
            about = set(own.values())
            for position, text in enumerate(passages(article.text)):
                spans = [span for span in self.matcher.spans(text, own) if span[2] >= 0]
                asked = {entity for _, _, entity in spans} & self.held_out
                document = Document(f"{article.id}.{position}", text, spans)
                if asked and asked - self.plain <= about:
                    relevant.append(document)
                elif not asked and spans and distractors:
                    others.append(document)
        return relevant, others


_source: Source


def _documents(arguments: tuple[Path, bool]) -> tuple[list[Document], list[Document]]:
    return _source.documents(*arguments)


def choose(documents: list[Document], types: list[list[str]]) -> list[Document]:
    """Few of each entity, and no more of a type than PER_TYPE unless a rarer type needs them."""
    per_entity, per_type = Counter(), Counter()
    chosen = []
    for document in documents:
        found = {entity for _, _, entity in document.spans if types[entity]}
        wanted = {entity for entity in found if any(per_type[t] < PER_TYPE for t in types[entity])}
        if any(per_entity[entity] < PER_ENTITY for entity in wanted):
            chosen.append(document)
            per_entity.update(found)
            per_type.update({t for entity in found for t in types[entity]})
    return chosen


def qualified(documents: list[Document], types: list[list[str]]) -> set[str]:
    """The types with enough documents and entities."""
    places, names = defaultdict(set), defaultdict(set)
    for place, document in enumerate(documents):
        for _, _, entity in document.spans:
            for t in types[entity]:
                places[t].add(place)
                names[t].add(entity)
    return {t for t in places if len(places[t]) >= DOCUMENTS and len(names[t]) >= ENTITIES}


def make(data: Path, files: int, processes: int = 2) -> tuple[list[Document], list[list[str]]]:
    """The documents, and of each entity the types it is asked for by."""
    global _source
    entities = silver.collect_entities(data, files)
    types = [sorted(entities.held_out_types(entity)) for entity in range(len(entities.own))]
    _source = Source(data, entities, {entity for entity, asked in enumerate(types) if asked})
    *others, last = shards(data)[:files]
    generator = random.Random(SEED)
    with Pool(processes) as pool:
        (relevant, distractors), *parts = pool.map(_documents, [(last, True), *((shard, False) for shard in others)], chunksize=1)
    relevant = relevant + [document for part, _ in parts for document in part]
    generator.shuffle(relevant)
    relevant = choose(relevant, types)
    asked = qualified(relevant, types)
    types = [[t for t in of if t in asked] for of in types]
    relevant = [document for document in relevant if any(types[entity] for _, _, entity in document.spans)]
    return relevant + generator.sample(distractors, min(len(distractors), DISTRACTORS * len(relevant))), types


def utf16(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le")) // 2


def line(document: Document, types: list[list[str]]) -> str:
    mentions = [
        {"start": utf16(document.text, start), "end": utf16(document.text, end), "types": types[e]}
        for start, end, e in document.spans
    ]
    return json.dumps({"id": document.id, "text": document.text, "mentions": mentions}, ensure_ascii=False)


def summary(documents: list[Document], types: list[list[str]]) -> dict:
    """How much there is, and how the types hang together."""
    count, names = Counter(), defaultdict(set)
    for document in documents:
        found = {entity for _, _, entity in document.spans}
        count.update({t for entity in found for t in types[entity]})
        for entity in found:
            for t in types[entity]:
                names[t].add(entity)
    return {
        "documents": len(documents),
        "with a held-out type": sum(any(types[e] for _, _, e in document.spans) for document in documents),
        "mentions": sum(len(document.spans) for document in documents),
        "types": len(count),
        "single nouns among them": sum(" " not in t for t in count),
        "median documents a type": float(np.median(list(count.values()))),
        "median entities a type": float(np.median([len(of) for of in names.values()])),
        "relevant": dict(count.most_common()),
    }


def run(work: recipe.Work, out: Path) -> None:
    documents, types = make(work.data, work.recipe.files)
    documents.sort(key=lambda document: document.id)  # so that no place in the file tells which are relevant
    out.write_text("".join(line(document, types) + "\n" for document in documents), encoding="utf-8")
    print(json.dumps(summary(documents, types), indent=2, ensure_ascii=False))
