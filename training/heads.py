"""Heads over the frozen encoder, beside the one that was trained together with it.

Three of them, with the same texts, types and loss as the shipped head: over a mention's tap vector, once with random
negatives and once with hard ones beside them; and the sentence head, the dense baseline that a vector a mention has to beat.
That one is as fair as it can be: only the pooling differs, the mean over all pieces of a sentence, and what is a positive:
a sentence has the types of all its mentions; a type's description is read as a sentence too. The tap is what the exported
graph puts out, so that the software can read the baseline with the graph as it is.

Shapes: N rows (mentions or sentences), P phrases, D width.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save as serialize
from torch import Tensor
from torch.nn import functional

from . import recipe
from .dataset import Dataset
from .encoder import Encoder, Head, Model
from .measure import read_texts
from .train import Types, Validation, contrast

TEXTS = 30_000  # training texts, drawn from the encoder's
STEPS = 1_500
BATCH = 384  # rows a step
PHRASES = 768  # types a step, at most
NEIGHBOURS = 12  # nearest phrases among which a hard negative is drawn
RATE = 1.5e-3
SEED = 13


class Frozen(NamedTuple):
    """What a head is trained on."""

    vectors: Tensor  # [N, D]
    entities: list[np.ndarray]  # of each row, those that train types
    described: Tensor  # [P, D], zero for phrases that no row has
    nearest: np.ndarray | None  # [P, NEIGHBOURS], phrases like it, where hard negatives are wanted


def read_vectors(encoder: Encoder, texts: list[np.ndarray], pooled: bool) -> list[np.ndarray]:
    """Of each text its tap [T, D], or the mean over its own pieces, [CLS] and [SEP] left out: [D]."""
    encoder.eval()

    @torch.no_grad()
    def read(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.autocast("cpu", torch.bfloat16):
            tap = encoder(torch.from_numpy(ids)).tap.float()
        return (tap[:, 1:-1].mean(1) if pooled else tap).numpy(), ids

    found: list[np.ndarray] = [np.empty(0)] * len(texts)
    for i, vectors, _ in read_texts(read, texts):
        found[i] = vectors
    return found


def chosen_texts(data: Dataset, train: np.ndarray) -> np.ndarray:
    """Texts with a mention that trains types: [TEXTS] at most."""
    texts = np.unique(data.mentions[train[data.mentions[:, 3]], 0])
    return np.sort(np.random.default_rng(SEED).permutation(texts)[:TEXTS])


def frozen(model: Model, types: Types, data: Dataset, sentences: bool) -> Frozen:
    texts = chosen_texts(data, types.train)
    taps = read_vectors(model.encoder, [data.pieces[data.starts[t] : data.starts[t + 1]] for t in texts], sentences)
    vectors, entities = [], []
    for tap, text in zip(taps, texts):
        mentions = data.mentions[data.first_mention[text] : data.first_mention[text + 1]]
        mentions = mentions[types.train[mentions[:, 3]]]
        vectors += [tap] if sentences else list(tap[mentions[:, 2]])
        entities += [mentions[:, 3]] if sentences else list(mentions[:, 3:])
    used = np.unique([p for e in np.concatenate(entities) for p in types.own[e] + types.broad[e] + types.described[e]])
    described = torch.zeros(len(types.phrases), model.encoder.shape.width)
    read = read_vectors(model.encoder, [types.pieces[p, : types.lengths[p]] for p in used], sentences)
    described[used] = torch.from_numpy(np.stack(read if sentences else [tap[-2] for tap in read]))
    return Frozen(torch.from_numpy(np.stack(vectors)), entities, described, None)


def with_neighbours(of: Frozen) -> Frozen:
    """Each phrase's nearest by cosine of the tap: "sociologist" has to be told from "anthropologist"."""
    used = torch.nonzero(of.described.abs().sum(1))[:, 0]
    units = functional.normalize(of.described[used], dim=1)
    nearest = np.zeros((len(of.described), NEIGHBOURS), np.int64)
    for rows in torch.arange(len(used)).split(1_000):
        like = (units[rows] @ units.T).topk(NEIGHBOURS + 1).indices[:, 1:]
        nearest[used[rows].numpy()] = used[like].numpy()
    return of._replace(nearest=nearest)


def train_head(model: Model, types: Types, of: Frozen) -> Head:
    """Contrast in both directions, as `train.py` has it."""
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    head = Head(model.encoder.shape)
    sharpness = torch.nn.Parameter(torch.tensor(14.0).log())
    optimizer = torch.optim.AdamW([*head.parameters(), sharpness], lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.05)
    for _ in range(STEPS):
        rows = generator.choice(len(of.vectors), BATCH, replace=False)
        entities = [of.entities[row] for row in rows]
        phrases = types.draw(np.concatenate(entities), generator, PHRASES)
        if of.nearest is not None:
            hard = of.nearest[phrases, generator.integers(NEIGHBOURS, size=len(phrases))]
            phrases = np.union1d(phrases, hard)
        begins = np.cumsum([0, *map(len, entities[:-1])])
        has = torch.from_numpy(np.logical_or.reduceat(types.having(np.concatenate(entities), phrases), begins, axis=0))
        scores = head(of.vectors[rows]) @ head(of.described[phrases]).T * sharpness.exp().clamp(max=60)
        loss = contrast(scores, has) + contrast(scores.T, has.T)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


@torch.no_grad()
def measure_sentences(model: Model, head: Head, validation: Validation) -> dict[str, float]:
    """R-Precision as `Validation` has it of mentions."""
    texts, queries = (
        head(torch.from_numpy(np.stack(read_vectors(model.encoder, of, pooled=True))))
        for of in (validation.texts, validation.query_pieces)
    )
    macro = validation.macro((queries @ texts.T).numpy(), np.arange(len(texts)))
    return {kind: round(value, 4) for kind, value in macro.items()}


def measure_mentions(model: Model, head: Head, validation: Validation) -> dict[str, float]:
    shipped, model.head = model.head, head
    measures = validation.measure(model)
    model.head = shipped
    return {kind: measures[kind] for kind in validation.relevant}


def run(work: recipe.Work, out: Path) -> None:
    """Writes sentence-head.safetensors into the folder, and prints all heads' measures."""
    entities, train, data, texts = work.silver()
    validation = Validation(texts, entities, work.tokenizer())
    types = Types(entities, train, work.tokenizer())
    model = recipe.load_checkpoint(work.folder)

    sentence = train_head(model, types, frozen(model, types, data, sentences=True))
    weights = {f"net.{key}": value.contiguous() for key, value in sentence.state_dict().items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / "sentence-head.safetensors").write_bytes(serialize(weights))

    mentions = frozen(model, types, data, sentences=False)
    result = {
        "trained with the encoder": measure_mentions(model, model.head, validation),
        "frozen, random negatives": measure_mentions(model, train_head(model, types, mentions), validation),
        "frozen, hard negatives": measure_mentions(model, train_head(model, types, with_neighbours(mentions)), validation),
        "sentence": measure_sentences(model, sentence, validation),
    }
    print(json.dumps(result, indent=2))
