"""The sentence head: one vector a sentence, the dense baseline that a vector a mention has to beat.

As fair as it can be: the same encoder (frozen), the same tap, head, texts, types and loss as the mention model's. Only the
pooling differs, the mean over all pieces of a sentence, and what is a positive: a sentence has the types of all its
mentions. A type's description is read as a sentence too. The tap is what the exported graph puts out, so that the
software can read the baseline with the graph as it is.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as serialize
from torch import Tensor

from . import recipe
from .dataset import Dataset
from .encoder import Encoder, Head, Model
from .measure import r_precision, read_texts
from .train import Types, Validation, contrast

TEXTS = 20_000  # training texts, drawn from the mention model's
STEPS = 1_500
BATCH = 384  # texts a step
PHRASES = 768  # types a step, at most
RATE = 1.5e-3
SEED = 13


def sentence_vectors(encoder: Encoder, texts: list[np.ndarray]) -> Tensor:
    """The mean of the tap over a text's own pieces, [CLS] and [SEP] left out: [N, D]."""
    encoder.eval()

    @torch.no_grad()
    def read(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.autocast("cpu", torch.bfloat16):
            output = encoder(torch.from_numpy(ids))
        return output.tap[:, 1:-1].float().mean(1).numpy(), ids

    vectors = np.zeros((len(texts), encoder.shape.width), np.float32)
    for i, vector, _ in read_texts(read, texts):
        vectors[i] = vector
    return torch.from_numpy(vectors)


def chosen_texts(data: Dataset, train: np.ndarray) -> np.ndarray:
    """Texts with a mention that trains types: [TEXTS] at most."""
    texts = np.unique(data.mentions[train[data.mentions[:, 3]], 0])
    return np.sort(np.random.default_rng(SEED).permutation(texts)[:TEXTS])


def train_head(model: Model, types: Types, data: Dataset) -> Head:
    """Contrast in both directions between sentences and types, as `train.py` has it between mentions and types."""
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    texts = chosen_texts(data, types.train)
    sentences = sentence_vectors(model.encoder, [data.pieces[data.starts[t] : data.starts[t + 1]] for t in texts])
    described = type_vectors(model.encoder, types, np.unique(np.concatenate([mentions_of(data, text, types) for text in texts])))

    head = Head(model.encoder.shape)
    sharpness = torch.nn.Parameter(torch.tensor(14.0).log())
    optimizer = torch.optim.AdamW([*head.parameters(), sharpness], lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.05)
    for _ in range(STEPS):
        rows = generator.choice(len(texts), BATCH, replace=False)
        mentions = [mentions_of(data, text, types) for text in texts[rows]]
        phrases, of_mention = types.draw(np.concatenate(mentions), generator, PHRASES)
        ends = np.cumsum([len(of) for of in mentions])
        has = torch.from_numpy(np.logical_or.reduceat(of_mention, ends - [len(of) for of in mentions], axis=0))
        scores = head(sentences[rows]) @ head(described[phrases]).T * sharpness.exp().clamp(max=60)
        loss = contrast(scores, has) + contrast(scores.T, has.T)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


def type_vectors(encoder: Encoder, types: Types, entities: np.ndarray) -> Tensor:
    """Every phrase that one of the entities has: [phrases, D], zero for the others."""
    used = np.unique([p for e in entities for p in types.own[e] + types.broad[e] + types.described[e]])
    vectors = torch.zeros(len(types.phrases), encoder.shape.width)
    vectors[used] = sentence_vectors(encoder, [types.pieces[p, : types.lengths[p]] for p in used])
    return vectors


def mentions_of(data: Dataset, text: int, types: Types) -> np.ndarray:
    """The entities of a text that train types."""
    entities = data.mentions[data.first_mention[text] : data.first_mention[text + 1], 3]
    return entities[types.train[entities]]


@torch.no_grad()
def measure(model: Model, head: Head, validation: Validation) -> dict[str, float]:
    """R-Precision as `Validation` has it of the mention model."""
    sentences = head(sentence_vectors(model.encoder, validation.texts))
    scores = (head(sentence_vectors(model.encoder, validation.query_pieces)) @ sentences.T).numpy()
    row, documents = dict(zip(validation.queries, scores)), np.arange(len(sentences))
    return {
        kind: round(float(np.mean([r_precision(row[name], documents, relevant) for name, relevant in table.items()])), 4)
        for kind, table in validation.relevant.items()
    }


def run(work: recipe.Work, out: Path) -> None:
    """Writes sentence-head.safetensors into the folder, and prints both heads' measures."""
    entities, train, data, texts = work.silver()
    validation = Validation(texts, entities, work.tokenizer())
    model = recipe.load_checkpoint(work.folder)
    head = train_head(model, Types(entities, train, work.tokenizer()), data)
    weights = {f"net.{key}": value.contiguous() for key, value in head.state_dict().items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / "sentence-head.safetensors").write_bytes(serialize(weights))
    result = {"sentence head": measure(model, head, validation), "mention head": validation.measure(model)}
    print(json.dumps(result, indent=2))
