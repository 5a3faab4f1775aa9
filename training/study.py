"""The paper's study on our own uncut model: which block, which of its tensors and which pooling tells types apart best.

Every tap is read in one pass over the validation texts, and compared by cosine, without a head. Two measures: AUC, the
chance that two mentions of one held-out type are closer than two of different ones; and R-Precision with the type's name,
read through the same tap, as the query. The shipped tap with its head stands beside them.

Shapes: B blocks of the model, S tensors of a block, P poolings, T pieces, D width, M mentions.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import recipe
from .encoder import Encoder, Model
from .entities import Entities
from .measure import read_texts
from .train import Validation

TENSORS = ("query", "key", "value", "attention output", "MLP output", "hidden")
POOLINGS = ("last", "first", "mean")
PER_TYPE = 60  # mentions of a type that pairs are drawn from
PAIRS = 100_000  # of one type, and as many of two
SEED = 11


class Taps:
    """Reads every tensor of every block; query and key before their rotation, "hidden" as the block leaves it."""

    def __init__(self, encoder: Encoder):
        self.encoder = encoder.float().eval()
        self._outputs: dict[nn.Module, Tensor] = {}
        for block in encoder.blocks:
            for module in (block.query_key_value, block.attention_out, block.feed_forward_out, block):
                module.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: tuple, output: Tensor) -> None:
        self._outputs[module] = output

    @torch.no_grad()
    def read(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ids int64 [N, T], without padding -> float32 [N, B, S, T, D], and the ids: `read_texts` takes two."""
        encoder, outputs = self.encoder, self._outputs
        x = encoder.embedding(torch.from_numpy(ids)) * encoder.scale
        for block in encoder.blocks:
            x = block(x, encoder.cos, encoder.sin, None)
        tensors = [
            [
                *outputs[block.query_key_value].chunk(3, -1),
                outputs[block.attention_out],
                outputs[block.feed_forward_out],
                outputs[block],
            ]
            for block in encoder.blocks
        ]
        return torch.stack([torch.stack(of_block, 1) for of_block in tensors], 1).numpy(), ids


def pool(taps: np.ndarray, first: int, last: int) -> np.ndarray:
    """[B, S, T, D] and a range of pieces -> [B, S, P, D], of length one; half precision, for there are many."""
    vectors = np.stack((taps[:, :, last], taps[:, :, first], taps[:, :, first : last + 1].mean(2)), 2)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float16)


def draw_pairs(validation: Validation, entities: Entities) -> tuple[np.ndarray, np.ndarray]:
    """Mentions of one held-out type [PAIRS, 2], and of two different ones; every type counts alike.

    No two mentions of a pair are of one entity: that the same name is close to itself is no evidence of a type.
    """
    generator = np.random.default_rng(SEED)
    mentions = validation.data.mentions[:, 3]
    types = [entities.held_out_types(entity) for entity in mentions]
    members: list[np.ndarray] = []
    for head in validation.relevant["unseen"]:
        # Of an entity with two of these types nobody could say whether a pair is of one type.
        rows = generator.permutation(np.array([m for m, of in enumerate(types) if of == {head}], np.int64))
        _, one_each = np.unique(mentions[rows], return_index=True)
        if len(one_each) > 1:
            members.append(rows[np.sort(one_each)][:PER_TYPE])
    sizes = np.array([len(rows) for rows in members])
    table = np.zeros((len(members), PER_TYPE), np.int64)
    for row, rows in zip(table, members):
        row[: len(rows)] = rows

    kind = generator.integers(len(members), size=PAIRS)
    other_kind = (kind + generator.integers(1, len(members), size=PAIRS)) % len(members)
    one = generator.integers(sizes[kind])
    another = (one + generator.integers(1, sizes[kind])) % sizes[kind]
    first = table[kind, one]
    return (
        np.stack((first, table[kind, another]), 1),
        np.stack((first, table[other_kind, generator.integers(sizes[other_kind])]), 1),
    )


def auc(same: np.ndarray, different: np.ndarray) -> float:
    """The chance that a number of `same` exceeds one of `different`; ties count half."""
    ordered = np.sort(different)
    below = np.searchsorted(ordered, same, "left") + np.searchsorted(ordered, same, "right")
    return float(below.mean() / 2 / len(different))


def measures(
    validation: Validation, pairs: tuple[np.ndarray, np.ndarray], vectors: np.ndarray, queries: np.ndarray
) -> dict[str, float]:
    """vectors [M, D] and queries [Q, D], both of length one."""
    same, different = (np.einsum("pd,pd->p", vectors[of[:, 0]], vectors[of[:, 1]]) for of in pairs)
    return {"auc": auc(same, different)} | validation.macro(queries @ vectors.T, validation.documents)


def study(model: Model, validation: Validation, entities: Entities) -> dict:
    """All taps' measures, and the shipped tap's with its head."""
    taps, data, shape = Taps(model.encoder), validation.data, model.encoder.shape
    size = (shape.blocks, len(TENSORS), len(POOLINGS), shape.width)
    vectors = np.zeros((len(data.mentions), *size), np.float16)
    for i, values, _ in read_texts(taps.read, validation.texts, budget=2_048):
        for m in range(data.first_mention[i], data.first_mention[i + 1]):
            vectors[m] = pool(values, data.mentions[m, 1], data.mentions[m, 2])
    queries = np.zeros((len(validation.queries), *size), np.float16)
    for i, values, _ in read_texts(taps.read, validation.query_pieces):
        queries[i] = pool(values, 1, values.shape[2] - 2)

    pairs = draw_pairs(validation, entities)
    rows = []
    for block, tensor, pooling in np.ndindex(size[:3]):
        place = np.s_[:, block, tensor, pooling]
        found = measures(validation, pairs, vectors[place].astype(np.float32), queries[place].astype(np.float32))
        rows.append({"block": block, "tensor": TENSORS[tensor], "pooling": POOLINGS[pooling], **found})

    return {
        "types": {kind: len(table) for kind, table in validation.relevant.items()},
        "texts": len(validation.texts),
        "mentions": len(data.mentions),
        "shipped": {"block": shape.tap, "tensor": "value", "pooling": "last"},
        "with head": with_head(model, validation, pairs),
        "taps": rows,
    }


@torch.no_grad()
def with_head(model: Model, validation: Validation, pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """The shipped tap, the last piece of a mention, through the head; the head needs the vectors at their own length."""
    data, taps = validation.data, np.zeros((len(validation.data.mentions), model.encoder.shape.width), np.float32)

    def read(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        output = model.encoder(torch.from_numpy(ids))
        return output.tap.numpy(), output.mentions.numpy()

    for i, tap, _ in read_texts(read, validation.texts):
        for m in range(data.first_mention[i], data.first_mention[i + 1]):
            taps[m] = tap[data.mentions[m, 2]]
    queries = np.zeros((len(validation.queries), taps.shape[1]), np.float32)
    for i, tap, _ in read_texts(read, validation.query_pieces):
        queries[i] = tap[-2]
    head = model.head.float().eval()
    return measures(validation, pairs, head(torch.from_numpy(taps)).numpy(), head(torch.from_numpy(queries)).numpy())


def markdown(result: dict) -> str:
    """A line a tensor, its poolings side by side; then the best of all beside the shipped tap."""
    table = {(row["block"], row["tensor"], row["pooling"]): row for row in result["taps"]}
    titles = {"auc": "AUC", "unseen": "R-P, held-out types", "seen": "R-P, trained types"}
    cells = [f"{title}, {pooling}" for title in titles.values() for pooling in POOLINGS]
    lines = ["| block | tensor | " + " | ".join(cells) + " |", "| ---: | --- |" + " ---: |" * len(cells)]
    for block, tensor in dict.fromkeys((block, tensor) for block, tensor, _ in table):
        values = [table[block, tensor, pooling][measure] for measure in titles for pooling in POOLINGS]
        lines.append(f"| {block} | {tensor} | " + " | ".join(f"{value:.3f}" for value in values) + " |")

    shipped = table[tuple(result["shipped"].values())]
    lines += ["", "| measure | best tap | its value | shipped tap, no head | shipped tap and head |"]
    lines.append("| --- | --- | ---: | ---: | ---: |")
    for measure, title in titles.items():
        best = max(result["taps"], key=lambda row: row[measure])
        name = f"block {best['block']}, {best['tensor']}, {best['pooling']}"
        values = (best[measure], shipped[measure], result["with head"][measure])
        lines.append(f"| {title} | {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    return "\n".join(lines)


def run(work: recipe.Work, out: Path) -> None:
    entities, _, _, texts = work.silver()
    result = study(recipe.load_checkpoint(work.folder), Validation(texts, entities, work.tokenizer()), entities)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(markdown(result))
