"""A zero-shot benchmark of our own, in the manner of NERetrieve's test types: sentences that mention entities of types which
train nothing, among sentences that do not.

Types are the phrases that end in a held-out head noun ("sociologist", "german sociologist"). Their labels are silver, but
stricter than those that train: a name counts only where it is an article's own title, without brackets ("Talk (software)"
makes no talk a program) or within that article. Sentences that hold a name which fails this are left out, and so are all
lead sentences: they gave the types away. Nothing here was read in training: the documents are of the corpus's last
file, and, where they mention a held-out type, also those sentences of the other files that were not chosen for training.
"""

import json
import random
from collections import Counter, defaultdict
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from . import recipe, silver
from .corpus import articles, sentences, shards
from .dataset import Dataset
from .leads import plain_title
from .matching import DOUBTFUL, Matcher
from .silver import Entities

DOCUMENTS = 8  # that a type must have
ENTITIES = 3  # that a type must have: finding one name is no finding of a type
PER_ENTITY, PER_TYPE = 6, 150  # documents beyond which a name or a type draws no further ones
DISTRACTORS = 3  # documents without a held-out type for each that has one
OPENING = 12  # pieces by which a sentence is known again
SEED = 3


class Document(NamedTuple):
    """Spans: (start, end, entity), the entity negative where it is not known."""

    id: str
    text: str
    spans: list[tuple[int, int, int]]


class Source:
    """What a worker reads with. `held_out`: the entities with a type to be asked for."""

    def __init__(self, data: Path, entities: Entities, held_out: set[int]):
        self.matcher, self.held_out = Matcher(data, entities), held_out
        # Their names alone tell them: no brackets were needed.
        self.plain = {entity for title, entity in entities.titles.items() if title == plain_title(title)}

    def documents(self, shard: Path, distractors: bool) -> tuple[list[Document], list[Document]]:
        """The sentences of one file with and, where they are wanted, without mentions of held-out types."""
        relevant, others = [], []
        for article in articles(shard):
            own = self.matcher.own_names(article)
            about = set(own.values())
            for position, text in enumerate(sentences(article.text)[1:], 1):
                if not 20 <= len(text) <= 600:
                    continue
                spans = [span for span in self.matcher.spans(text, own) if span[2] != DOUBTFUL]
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


def openings(pieces: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A number for the OPENING pieces from each of `starts` on: uint64."""
    numbers = np.zeros(len(starts), np.uint64)
    for k in range(OPENING):
        numbers = numbers * np.uint64(1_000_003) + pieces[starts + k].astype(np.uint64)
    return numbers


def never_read(documents: list[Document], tokenizer: Tokenizer, train: Dataset) -> list[Document]:
    """Those whose opening stands nowhere in the training texts; too short ones are left out."""
    encoded = tokenizer.encode_batch([document.text for document in documents], add_special_tokens=False)
    long_enough = [(document, e.ids[:OPENING]) for document, e in zip(documents, encoded) if len(e.ids) >= OPENING]
    ids = np.array([ids for _, ids in long_enough], np.int64).reshape(-1)
    numbers = openings(ids, np.arange(0, len(ids), OPENING))
    read = np.isin(numbers, openings(train.pieces, np.arange(len(train.pieces) - OPENING + 1)))
    return [document for (document, _), known in zip(long_enough, read) if not known]


def choose(documents: list[Document], types: list[list[str]]) -> list[Document]:
    """Few of each entity, and no more of a type than PER_TYPE unless a rarer type needs them."""
    per_entity, per_type = Counter(), Counter()
    chosen = []
    for document in documents:
        found = {entity for _, _, entity in document.spans if entity >= 0 and types[entity]}
        wanted = {entity for entity in found if any(per_type[t] < PER_TYPE for t in types[entity])}
        if any(per_entity[entity] < PER_ENTITY for entity in wanted):
            chosen.append(document)
            per_entity.update(found)
            per_type.update({t for entity in found for t in types[entity]})
    return chosen


def qualified(documents: list[Document], types: list[list[str]]) -> set[str]:
    """The types with enough documents and entities; of several with the very same documents, a head alone or the longest."""
    places, names = defaultdict(set), defaultdict(set)
    for place, document in enumerate(documents):
        for _, _, entity in document.spans:
            for t in types[entity] if entity >= 0 else ():
                places[t].add(place)
                names[t].add(entity)
    kept: dict[frozenset[int], str] = {}
    for t in sorted(places, key=lambda t: (" " not in t, len(t), t)):
        if len(places[t]) >= DOCUMENTS and len(names[t]) >= ENTITIES:
            kept[frozenset(places[t])] = t
    return set(kept.values())


def make(work: recipe.Work, processes: int = 2) -> tuple[list[Document], list[list[str]]]:
    """The documents, and of each entity the types it is asked for by."""
    global _source
    saved, _, train, _ = work.silver()
    entities = silver.collect_entities(work.data, work.recipe.files)  # again: the saved ones have lost their names
    heads = {saved.phrases[p].split()[-1] for phrases in saved.held_out for p in phrases}
    if not heads >= {entities.phrases[p].split()[-1] for phrases in entities.held_out for p in phrases}:
        raise SystemExit("The silver data of the work folder held out other types than today's recipe does: make it anew.")
    types = [[entities.phrases[p] for p in phrases] for phrases in entities.held_out]

    _source = Source(work.data, entities, {entity for entity, phrases in enumerate(types) if phrases})
    *others, last = shards(work.data)[: work.recipe.files]
    generator = random.Random(SEED)
    with Pool(processes) as pool:
        (relevant, distractors), *parts = pool.map(_documents, [(last, True), *((shard, False) for shard in others)], chunksize=1)
    elsewhere = never_read([document for part, _ in parts for document in part], work.tokenizer(), train)
    generator.shuffle(relevant)
    generator.shuffle(elsewhere)
    relevant = choose(relevant + elsewhere, types)  # the last file first: the others fill up what it lacks
    asked = qualified(relevant, types)
    types = [[t for t in of if t in asked] for of in types]
    relevant = [document for document in relevant if any(e >= 0 and types[e] for _, _, e in document.spans)]
    return relevant + generator.sample(distractors, min(len(distractors), DISTRACTORS * len(relevant))), types


def utf16(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le")) // 2


def line(document: Document, types: list[list[str]]) -> str:
    mentions = [
        {"start": utf16(document.text, start), "end": utf16(document.text, end), "types": types[e] if e >= 0 else []}
        for start, end, e in document.spans
    ]
    return json.dumps({"id": document.id, "text": document.text, "mentions": mentions}, ensure_ascii=False)


def summary(documents: list[Document], types: list[list[str]]) -> dict:
    """How much there is, and how the types hang together."""
    count, names = Counter(), defaultdict(set)
    for document in documents:
        found = {entity for _, _, entity in document.spans if entity >= 0}
        count.update({t for entity in found for t in types[entity]})
        for entity in found:
            for t in types[entity]:
                names[t].add(entity)
    nested = sum(any(t != other and t.endswith(f" {other}") for other in count) for t in count)
    return {
        "documents": len(documents),
        "with a held-out type": sum(any(e >= 0 and types[e] for _, _, e in document.spans) for document in documents),
        "mentions": sum(len(document.spans) for document in documents),
        "types": len(count),
        "head nouns among them": len({t.split()[-1] for t in count}),
        "types that narrow another one of them": nested,
        "median documents a type": float(np.median(list(count.values()))),
        "median entities a type": float(np.median([len(of) for of in names.values()])),
        "relevant": dict(count.most_common()),
    }


def run(work: recipe.Work, out: Path) -> None:
    documents, types = make(work)
    documents.sort(key=lambda document: document.id)  # so that no place in the file tells which are relevant
    out.write_text("".join(line(document, types) + "\n" for document in documents), encoding="utf-8")
    print(json.dumps(summary(documents, types), indent=2, ensure_ascii=False))
