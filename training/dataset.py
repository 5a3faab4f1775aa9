"""The silver units as flat arrays of pieces, tokenised once, and the batches drawn from them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from .entities import Entities
from .matching import DOUBTFUL, Unit
from .silver import fraction

HELD_OUT_ENTITIES = 0.02
PER_ENTITY = 150  # mentions of an entity that train its types: "Germany" need not be learnt a thousand times
IGNORE = -100


@dataclass
class Dataset:
    """N texts, P pieces in all (special tokens included), M mentions."""

    pieces: np.ndarray  # uint16 [P]
    labels: np.ndarray  # int8 [P]: 0, 1, 2 for O, B, I, or IGNORE
    starts: np.ndarray  # int64 [N + 1]
    mentions: np.ndarray  # int32 [M, 4]: text, first piece, last piece (both within the text), entity
    first_mention: np.ndarray  # int64 [N + 1]

    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    def save(self, file: Path) -> None:
        np.savez(file, **vars(self))

    @classmethod
    def load(cls, file: Path) -> "Dataset":
        with np.load(file) as arrays:
            return cls(**arrays)


def trainable(entities: Entities) -> np.ndarray:
    """Which entities train types: bool [E]. The others have a held-out type or are held out themselves."""
    return np.array(
        [
            not out and bool(own or broad) and (not name or fraction(name) >= HELD_OUT_ENTITIES)
            for own, broad, out, name in zip(entities.own, entities.broad, entities.held_out, entities.name)
        ]
    )


def select(units: list[Unit], entities: Entities, train: np.ndarray, size: int, seed: int) -> list[Unit]:
    """`size` units, those with mentions of rarer types more likely: frequent types would fill everything otherwise."""

    def kind(entity: int) -> int:
        return (entities.own[entity] or entities.broad[entity])[-1]

    count = Counter(kind(e) for unit in units for _, _, e in unit.spans if e >= 0 and train[e])
    weights = np.array(
        [max((count[kind(e)] ** -0.5 for _, _, e in unit.spans if e >= 0 and train[e]), default=0.003) for unit in units]
    )
    # Exponential races: the order of drawing without replacement.
    keys = np.random.default_rng(seed).exponential(size=len(units)) / weights
    return [units[i] for i in np.argsort(keys)[:size]]


def tokenise(units: list[Unit], tokenizer: Tokenizer, entities: Entities, longest: int) -> Dataset:
    """Units whose pieces do not fit in `longest` are left out."""
    pieces, labels, starts, mentions, first_mention = [], [], [0], [], [0]
    times: Counter = Counter()
    for begin in range(0, len(units), 10_000):
        batch = units[begin : begin + 10_000]
        for unit, encoding in zip(batch, tokenizer.encode_batch([unit.text for unit in batch])):
            if len(encoding.ids) > longest:
                continue
            offsets = np.array(encoding.offsets)
            label = np.zeros(len(offsets), np.int8)
            label[[0, -1]] = IGNORE
            inner_starts, inner_ends = offsets[1:-1, 0], offsets[1:-1, 1]
            for start, end, entity in (*unit.nouns, *unit.spans):
                first = int(np.searchsorted(inner_starts, start)) + 1
                last = int(np.searchsorted(inner_ends, end, side="right"))
                if last < first:
                    continue
                if entity >= entities.first_noun:
                    pass  # no name: what the detector has to leave alone
                elif entity == DOUBTFUL or (entity >= 0 and unit.text[start].islower() and entity not in entities.listed):
                    label[first : last + 1] = IGNORE
                else:
                    label[first : last + 1] = 2
                    label[first] = 1
                times[entity] += 1
                if entity >= 0 and (times[entity] <= PER_ENTITY or entity >= entities.first_noun):
                    mentions.append((len(starts) - 1, first, last, entity))
            pieces.append(np.array(encoding.ids, np.uint16))
            labels.append(label)
            starts.append(starts[-1] + len(label))
            first_mention.append(len(mentions))
    return Dataset(
        np.concatenate(pieces),
        np.concatenate(labels),
        np.array(starts, np.int64),
        np.array(mentions, np.int32).reshape(-1, 4),
        np.array(first_mention, np.int64),
    )
