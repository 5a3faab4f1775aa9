"""Training: contrastive through the tap, the mention detector, and masked language modelling in the blocks after it.

The learning rate rises, stays, and falls to nothing over most of the run; until it falls, the run can be made longer or shorter.
"""

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from .dataset import IGNORE, Dataset
from .encoder import Model, Shape
from .entities import Entities
from .measure import r_precision, read_texts
from .tokenizer import MASK, SEP


@dataclass(frozen=True)
class Schedule:
    """A run's length in pieces and its rates."""

    pieces: int
    batch: int = 6_144  # pieces a step
    rate: float = 1.1e-3
    embedding_share: float = 0.25  # of the rate, for the embeddings: words that train no type have to stay beside those that do
    warm_up: int = 600_000  # pieces
    fall: float = 0.7  # share of the run, at its end
    language_model_every: int = 3  # steps: the blocks after the tap cost most and serve least
    seed: int = 7

    def rate_at(self, seen: int) -> float:
        left = 1 - seen / self.pieces
        return self.rate * max(0.01, min(1.0, seen / self.warm_up + 0.02, left / self.fall))


class Types:
    """The type phrases as pieces, and which of them each entity has."""

    LONGEST = 20
    ROW = 32  # pieces in a row of several phrases

    def __init__(self, entities: Entities, train: np.ndarray, tokenizer: Tokenizer):
        self.phrases, self.train = entities.phrases, train
        self.own, self.broad, self.described = entities.own, entities.broad, entities.described
        self.first_noun = entities.first_noun
        phrases = self.phrases
        encoded = tokenizer.encode_batch(phrases + [plural(phrase) for phrase in phrases])
        self.pieces = np.zeros((len(encoded), self.LONGEST), np.int64)
        self.lengths = np.array([min(len(e.ids), self.LONGEST) for e in encoded])
        for row, length, encoding in zip(self.pieces, self.lengths, encoded):
            row[:length] = encoding.ids[:length]
            row[length - 1] = SEP
        self._local = np.full(len(phrases), -1)

    def draw(self, entities: np.ndarray, generator: np.random.Generator, most: int) -> np.ndarray:
        """Phrases for the mentions of a batch: entities [M] -> phrases [U], each once, in their order."""
        drawn = []
        for entity in entities:
            own, broad, described = self.own[entity], self.broad[entity], self.described[entity]
            source = own if own and (not broad or generator.random() < 0.65) else broad
            if described and generator.random() < 0.2:
                source = described
            drawn.append(source[generator.integers(len(source))])
        phrases = np.unique(drawn)
        if len(phrases) > most:
            phrases = np.sort(generator.choice(phrases, most, replace=False))
        return phrases

    def having(self, entities: np.ndarray, phrases: np.ndarray) -> np.ndarray:
        """Who has which: entities [M], phrases [U] -> bool [M, U]."""
        self._local[phrases] = np.arange(len(phrases))
        has = np.zeros((len(entities), len(phrases)), bool)
        for row, entity in zip(has, entities):
            local = self._local[self.own[entity] + self.broad[entity] + self.described[entity]]
            row[local[local >= 0]] = True
        self._local[phrases] = -1
        return has

    def batch(self, phrases: np.ndarray, generator: np.random.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Pieces [R, T], several phrases in a row, some of them plurals where a generator is given; mask [R, T, T]; the place of
        each phrase's last own piece in R*T [U]."""
        rows = phrases if generator is None else phrases + len(self.phrases) * (generator.random(len(phrases)) < 0.12)
        begins, end = [], 0
        for length in self.lengths[rows]:
            if end % self.ROW + length > self.ROW:
                end += -end % self.ROW  # a phrase stays within its row
            begins.append(end)
            end += length
        pieces = np.zeros(end + -end % self.ROW, np.int64)
        owner = np.full(len(pieces), -1)
        for number, (begin, row, length) in enumerate(zip(begins, rows, self.lengths[rows])):
            pieces[begin : begin + length] = self.pieces[row, :length]
            owner[begin : begin + length] = number
        pieces, owner = pieces.reshape(-1, self.ROW), owner.reshape(-1, self.ROW)
        last = torch.from_numpy(begins + self.lengths[rows] - 2)
        return torch.from_numpy(pieces), torch.from_numpy(owner[:, :, None] == owner[:, None]), last


def plural(phrase: str) -> str:
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return phrase[:-3] + "men" if phrase.endswith("man") else phrase + "s"


def type_vectors(model: Model, types: Types, phrases: np.ndarray, generator: np.random.Generator | None = None) -> Tensor:
    """[U] phrases -> [U, head_out]."""
    pieces, mask, last = types.batch(phrases, generator)
    device = model.encoder.embedding.weight.device
    return model.head(model.encoder(pieces.to(device), mask.to(device)).tap.flatten(0, 1)[last.to(device)])


def contrast(scores: Tensor, has: Tensor) -> Tensor:
    """InfoNCE with several positives: each against its row's negatives. scores: [R, C]; has: bool [R, C], the positives."""
    others = scores.masked_fill(has, -1e4).logsumexp(1, keepdim=True)
    losses = functional.softplus(others - scores) * has
    rows = has.any(1)
    return (losses.sum(1)[rows] / has.sum(1)[rows]).mean()


def batches(data: Dataset, size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """All texts in batches of one length each, in random order: no padding, so no arithmetic on it."""
    lengths = data.lengths()
    order = generator.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    cuts, begin = [], 0
    while begin < len(order):
        length = lengths[order[begin]]
        end = min(np.searchsorted(lengths[order], length, side="right"), begin + max(1, size // length))
        cuts.append(order[begin:end])
        begin = end
    return [cuts[i] for i in generator.permutation(len(cuts))]


class Trainer:
    def __init__(
        self,
        shape: Shape,
        schedule: Schedule,
        embeddings: np.ndarray,
        types: Types,
        data: Dataset,
        validation: "Validation",
        folder: Path,
        device: torch.device = torch.device("cpu"),
    ):
        torch.manual_seed(schedule.seed)
        self.device = device
        self.schedule, self.types, self.data, self.validation, self.folder = schedule, types, data, validation, folder
        self.model = Model(shape)
        with torch.no_grad():
            self.model.encoder.embedding.weight.copy_(torch.from_numpy(embeddings))
        self.model.to(device)
        if device.type == "cuda":
            self.model.encoder.embedding.sparse = False  # what the compiler asks for, and cheap there
            self.model.encoder.compile(dynamic=True)
        self.sharpness = torch.nn.Parameter(torch.tensor(14.0, device=device).log())
        embedding = self.model.encoder.embedding.weight
        others = [parameter for parameter in self.model.parameters() if parameter is not embedding]
        self.optimizer = torch.optim.AdamW(
            [{"params": [*others, self.sharpness], "share": 1.0}, {"params": [embedding], "share": schedule.embedding_share}],
            lr=schedule.rate,
            betas=(0.9, 0.98),
            weight_decay=0.01,
            fused=True,
        )
        self.seen = self.step = 0
        self.seconds = 0.0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        state = {
            "shape": self.model.encoder.shape.as_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sharpness": self.sharpness.data,
            "seen": self.seen,
            "step": self.step,
            "seconds": self.seconds,
        }
        # Written beside and renamed: a kill never leaves half a checkpoint.
        torch.save(state, self.checkpoint.with_suffix(".part"))
        self.checkpoint.with_suffix(".part").replace(self.checkpoint)

    def resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.sharpness.data.copy_(state["sharpness"])
        self.seen, self.step, self.seconds = state["seen"], state["step"], state["seconds"]

    def losses(self, texts: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        data, encoder = self.data, self.model.encoder
        length = int(data.lengths()[texts[0]])
        places = data.starts[texts][:, None] + np.arange(length)
        ids, labels = data.pieces[places].astype(np.int64), data.labels[places].astype(np.int64)
        rows = np.concatenate([np.arange(data.first_mention[t], data.first_mention[t + 1]) for t in texts])
        row_of_text = np.repeat(np.arange(len(texts)), data.first_mention[texts + 1] - data.first_mention[texts])
        kept = self.types.train[data.mentions[rows, 3]]
        mentions, row_of_text = data.mentions[rows[kept]], row_of_text[kept]

        # Some mentions are hidden whole, so that what stands round them has to do; some pieces anywhere, for the language model.
        hidden = np.zeros(ids.shape, bool)
        for row, (_, first, last, entity) in zip(row_of_text, mentions):
            # A thing called by its own noun tells itself; a name may be known by heart.
            if generator.random() < (0.8 if entity >= self.types.first_noun else 0.4):
                hidden[row, first : last + 1] = True
        asked = (generator.random(ids.shape) < 0.1) & (labels != IGNORE) & ~hidden
        targets = ids[asked]
        ids[hidden | (asked & (generator.random(ids.shape) < 0.9))] = MASK
        labels[ids == MASK] = IGNORE

        def placed(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(self.device, non_blocking=True)

        output = encoder(placed(ids))
        losses = {}
        if len(mentions) > 1:
            phrases = self.types.draw(mentions[:, 3], generator, most=480)
            has = placed(self.types.having(mentions[:, 3], phrases))
            vectors = self.model.head(output.tap[placed(row_of_text), placed(mentions[:, 2].astype(np.int64))])
            described = type_vectors(self.model, self.types, phrases, generator)
            with torch.autocast(self.device.type, enabled=False):  # bf16 is too coarse for cosines times sharpness
                scores = vectors @ described.T * self.sharpness.exp().clamp(max=60)
            losses["mention_to_type"] = contrast(scores, has)
            losses["type_to_mention"] = contrast(scores.T, has.T)
        losses["detector"] = 0.5 * functional.cross_entropy(
            output.mentions.float().flatten(0, 1), placed(labels).flatten(), ignore_index=IGNORE
        )
        if self.step % self.schedule.language_model_every == 0 and len(targets):
            # The pieces of the batch are each other's rivals: a sampled softmax whose sample costs nothing to draw.
            candidates, target = np.unique(targets, return_inverse=True)
            scores = encoder.language_model(output.state, placed(np.flatnonzero(asked)), placed(candidates))
            losses["language_model"] = 0.3 * functional.cross_entropy(scores.float(), placed(target))
        return losses

    def run(self, minutes: float = float("inf"), between_saves: float = 4.0, between_measures: float = 8.0) -> None:
        """Trains to the schedule's end, or for some minutes: the next run goes on from there."""
        queue: list[np.ndarray] = []
        started = saved = measured = time.monotonic()
        log = (self.folder / "log.jsonl").open("a", encoding="utf-8")
        recent: dict[str, list[float]] = defaultdict(list)
        generator = np.random.default_rng((self.schedule.seed, self.step))
        while self.seen < self.schedule.pieces and time.monotonic() - started < 60 * minutes:
            if not queue:
                queue = batches(self.data, self.schedule.batch, np.random.default_rng((self.schedule.seed, self.step, 1)))
            began = time.monotonic()
            texts = queue.pop()
            self.model.train()
            for group in self.optimizer.param_groups:
                group["lr"] = group["share"] * self.schedule.rate_at(self.seen)
            with torch.autocast(self.device.type, torch.bfloat16):
                losses = self.losses(texts, generator)
                loss = sum(losses.values())
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            embedding = self.model.encoder.embedding.weight
            if embedding.grad.is_sparse:
                embedding.grad = embedding.grad.to_dense()  # once: each of a step's uses would fill a dense one
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            self.seen += int(self.data.lengths()[texts].sum())
            self.seconds += time.monotonic() - began
            for name, value in losses.items():
                recent[name].append(value.item())
            if self.step % 50 == 0:
                entry = {"step": self.step, "seen": self.seen, "seconds": round(self.seconds)}
                entry |= {name: round(float(np.mean(values)), 4) for name, values in recent.items()}
                print(json.dumps(entry), file=log, flush=True)
                recent.clear()
            if time.monotonic() - saved > 60 * between_saves:
                self.save()
                saved = time.monotonic()
            if time.monotonic() - measured > 60 * between_measures:
                print(
                    json.dumps({"step": self.step, "seen": self.seen, **self.validation.measure(self.model)}),
                    file=log,
                    flush=True,
                )
                measured = time.monotonic()
        self.save()
        print(
            json.dumps({"step": self.step, "seen": self.seen, **self.validation.measure(self.model)}),
            file=log,
            flush=True,
        )


class Validation:
    """Held-out silver: texts of a corpus file that trains nothing, asked for trained types and for types never trained."""

    MINIMUM = 10  # relevant texts a type must have

    def __init__(self, data: Dataset, entities: Entities, tokenizer: Tokenizer):
        self.data = data
        self.texts = [data.pieces[a:b].astype(np.int64) for a, b in zip(data.starts, data.starts[1:])]
        self.documents = data.mentions[:, 0]
        self.relevant: dict[str, dict[str, np.ndarray]] = {"seen": {}, "unseen": {}}
        for text, _, _, entity in data.mentions:
            kind, types = self._asked(entities, entity)
            for name in types:
                self.relevant[kind].setdefault(name, np.zeros(len(self.texts), bool))[text] = True
        for kind, table in self.relevant.items():
            self.relevant[kind] = {name: texts for name, texts in sorted(table.items()) if texts.sum() >= self.MINIMUM}
        self.queries = [head for table in self.relevant.values() for head in table]
        self.query_pieces = [np.array(e.ids) for e in tokenizer.encode_batch(self.queries)]

    @staticmethod
    def _asked(entities: Entities, entity: int) -> tuple[str, set[str]]:
        """What a mention is an answer to: its held-out types, or its nouns."""
        if entities.held_out[entity]:
            return "unseen", entities.held_out_types(entity)
        return "seen", {entities.phrases[p].split()[-1] for p in entities.own[entity] if entity < entities.first_noun}

    def macro(self, scores: np.ndarray, documents: np.ndarray) -> dict[str, float]:
        """Mean R-Precision of each kind's types. scores: [Q, V], queries against vectors; documents: [V], their texts."""
        row = dict(zip(self.queries, scores))
        return {
            kind: float(np.mean([r_precision(row[name], documents, relevant) for name, relevant in table.items()]))
            for kind, table in self.relevant.items()
        }

    @torch.no_grad()
    def measure(self, model: Model) -> dict[str, float]:
        model.eval()

        device = model.encoder.embedding.weight.device

        def read(ids: np.ndarray):
            with torch.autocast(device.type, torch.bfloat16):
                output = model.encoder(torch.from_numpy(ids).to(device))
            return output.tap.float().cpu().numpy(), output.mentions.float().cpu().numpy()

        raw = np.zeros((len(self.data.mentions), model.encoder.shape.width), np.float32)
        right = asked = found = 0
        for i, tap, scores in read_texts(read, self.texts):
            for m in range(self.data.first_mention[i], self.data.first_mention[i + 1]):
                raw[m] = tap[self.data.mentions[m, 2]]
            label = self.data.labels[self.data.starts[i] : self.data.starts[i + 1]]
            guess = scores.argmax(-1)[label != IGNORE] > 0
            gold = label[label != IGNORE] > 0
            right, asked, found = right + (guess & gold).sum(), asked + gold.sum(), found + guess.sum()
        vectors = model.head(torch.from_numpy(raw).to(device)).cpu().numpy()
        queries = np.zeros((len(self.queries), raw.shape[1]), np.float32)
        for i, tap, _ in read_texts(read, self.query_pieces):
            queries[i] = tap[-2]
        scores = model.head(torch.from_numpy(queries).to(device)).cpu().numpy() @ vectors.T
        result = self.macro(scores, self.documents)
        result["detector_piece_f1"] = float(2 * right / max(1, asked + found))
        return {name: round(value, 4) for name, value in result.items()}
