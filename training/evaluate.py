"""Measures of a finished model folder, read with onnxruntime as the software reads it."""

import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from .dataset import IGNORE, Dataset
from .encoder import Encoder
from .measure import Read, Span, decode, fuzzy_match, r_precision, read_texts

# MultiCoNER 2's labels as a person would write them; the rest as they stand.
MULTICONER_NAMES = {
    "HumanSettlement": "Human Settlement", "VisualWork": "Visual Work", "MusicalWork": "Musical Work",
    "WrittenWork": "Written Work", "ArtWork": "Art Work", "MusicalGRP": "Musical Group", "PublicCorp": "Public Corporation",
    "PrivateCorp": "Private Corporation", "AerospaceManufacturer": "Aerospace Manufacturer", "SportsGRP": "Sports Group",
    "CarManufacturer": "Car Manufacturer", "ORG": "Organization", "SportsManager": "Sports Manager",
    "Medication/Vaccine": "Medication or Vaccine", "MedicalProcedure": "Medical Procedure",
    "AnatomicalStructure": "Anatomical Structure",
}  # fmt: skip


class Folder:
    """A model folder: texts to vectors and spans."""

    def __init__(self, folder: Path):
        self.description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.head = load_file(folder / "head.safetensors")

    def read(self, ids: np.ndarray, mask: np.ndarray | None = None) -> list[np.ndarray]:
        """ids [B, T] -> tap [B, T, D], detector scores [B, T, 3]."""
        return self.session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask})

    def project(self, x: np.ndarray) -> np.ndarray:
        x = x @ self.head["net.0.weight"].T + self.head["net.0.bias"]
        x = x / (1 + np.exp(-x)) @ self.head["net.3.weight"].T + self.head["net.3.bias"]
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    def describe(self, types: list[str]) -> np.ndarray:
        """Type descriptions to vectors [U, dimensions]."""
        rows = np.zeros((len(types), self.description["tap"]["dimensions"]), np.float32)
        for i, tap, _ in read_texts(self.read, [np.array(e.ids) for e in self.tokenizer.encode_batch(types)]):
            rows[i] = tap[-2]
        return self.project(rows)


def float_reader(encoder: Encoder) -> Read:
    """Reads as the graph does, in float32: what int8 costs is the difference."""

    @torch.no_grad()
    def read(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        output = encoder.eval()(torch.from_numpy(ids))
        return output.tap.numpy(), output.mentions.numpy()

    return read


def read_conll(files: list[Path]) -> tuple[list[str], list[list[tuple[int, int, str]]]]:
    """Sentences and their gold spans (start, end, type) from CoNLL files with the tag in the last column."""
    texts, spans = [], []
    for file in files:
        for block in file.read_text(encoding="utf-8").split("\n\n"):
            rows = [line.split() for line in block.splitlines() if line.strip() and not line.startswith("# id")]
            if not rows:
                continue
            text, found = "", []
            for row in rows:
                start = len(text) + 1 if text else 0
                text = f"{text} {row[0]}" if text else row[0]
                if row[-1].startswith("B-"):
                    found.append([start, len(text), row[-1][2:]])
                elif row[-1].startswith("I-") and found:
                    found[-1][1] = len(text)
            texts.append(text)
            spans.append([tuple(span) for span in found])
    return texts, spans


def last_piece(offsets: np.ndarray, words: np.ndarray, end: int) -> int:
    """The piece that holds the last character before `end`; of a text cut short, its last piece."""
    holds = np.flatnonzero((words >= 0) & (offsets[:, 0] < end) & (offsets[:, 1] >= end))
    return int(holds[-1] if len(holds) else np.flatnonzero(words >= 0)[-1])


def evaluate_conll(model: Folder, files: list[Path], names: dict[str, str], threshold: float | None = None) -> dict:
    """R-Precision per type with gold mentions and with detected ones, and the detector's own measures."""
    threshold = model.description["detector"]["threshold"] if threshold is None else threshold
    texts, gold = read_conll(files)
    limit = model.description["maximumTokens"]
    encodings = model.tokenizer.encode_batch(texts)
    raw, documents, found_raw, found_documents, detected = [], [], [], [], {}
    for i, tap, scores in read_texts(model.read, [np.array(e.ids[:limit]) for e in encodings]):
        offsets = np.array(encodings[i].offsets)[:limit]
        words = np.array([-1 if w is None else w for w in encodings[i].word_ids])[:limit]
        for _, end, _ in gold[i]:
            raw.append(tap[last_piece(offsets, words, end)])
            documents.append(i)
        detected[i] = decode(scores, offsets, words, threshold)
        for span in detected[i]:
            found_raw.append(tap[last_piece(offsets, words, span.end)])
            found_documents.append(i)
    types = sorted({t for spans in gold for _, _, t in spans if not t.lower().startswith("other")})
    queries = model.describe([names.get(t, t) for t in types])
    relevant = {t: np.array([any(s[2] == t for s in spans) for spans in gold]) for t in types}
    result = {"sentences": len(texts), "types": {}}
    for key, vectors, of in (("gold", raw, documents), ("detected", found_raw, found_documents)):
        scores = queries @ model.project(np.array(vectors)).T
        values = {t: r_precision(row, np.array(of), relevant[t]) for t, row in zip(types, scores)}
        result[f"r_precision_{key}"] = float(np.mean(list(values.values())))
        for t, value in values.items():
            result["types"].setdefault(t, {})[key] = round(value, 3)
    return result | detector_measures(texts, gold, detected)


def detector_measures(texts: list[str], gold: list[list[tuple[int, int, str]]], detected: dict[int, list[Span]]) -> dict:
    recalled = exact = 0
    total, found = sum(map(len, gold)), sum(map(len, detected.values()))
    for i, spans in enumerate(gold):
        strings = [texts[i][s.start : s.end] for s in detected[i]]
        ranges = {(s.start, s.end) for s in detected[i]}
        for start, end, _ in spans:
            recalled += any(fuzzy_match(texts[i][start:end], string) for string in strings)
            exact += (start, end) in ranges
    gold_words = sum(texts[i][a:b].count(" ") + 1 for i, spans in enumerate(gold) for a, b, _ in spans)
    found_words = sum(texts[i][s.start : s.end].count(" ") + 1 for i, spans in detected.items() for s in spans)
    return {
        "fuzzy_recall": recalled / max(1, total),
        "exact_f1": 2 * exact / max(1, total + found),
        "exact_precision": exact / max(1, found),
        "exact_recall": exact / max(1, total),
        "span_length_ratio": (found_words / max(1, found)) / (gold_words / max(1, total)),
    }


def thresholds(model: Folder, validation: Dataset) -> list[dict[str, float]]:
    """The detector on held-out silver at several thresholds: exact spans, those that touch a doubtful place left out."""
    continues = {i for piece, i in model.tokenizer.get_vocab().items() if piece.startswith("##")}
    texts = [validation.pieces[a:b].astype(np.int64) for a, b in zip(validation.starts, validation.starts[1:])]
    levels = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    right, found = np.zeros((2, len(levels)))
    asked = 0
    for i, _, scores in read_texts(model.read, texts):
        labels = validation.labels[validation.starts[i] : validation.starts[i + 1]]
        words = np.cumsum([piece not in continues for piece in texts[i]]) - 2
        words[-1] = -1
        places = np.arange(len(words))
        begins = np.flatnonzero(labels == 1)
        gold = {(b, b + 1 + int(np.argmax(np.append(labels[b + 1 :], 0) != 2))) for b in begins}
        asked += len(gold)
        for k, level in enumerate(levels):
            spans = {(s.start, s.end) for s in decode(scores, np.stack((places, places + 1), 1), words, level)}
            spans = {(a, b) for a, b in spans if (labels[a:b] != IGNORE).all()}
            right[k] += len(spans & gold)
            found[k] += len(spans)
    return [
        {
            "threshold": level,
            "precision": round(r / max(1, f), 4),
            "recall": round(r / asked, 4),
            "f1": round(2 * r / (f + asked), 4),
        }
        for level, r, f in zip(levels, right, found)
    ]


def invariance(model: Folder, texts: list[str], seed: int = 0) -> dict:
    """How far any token's projected vector or detector score moves with batch mates, order and padding."""
    limit = model.description["maximumTokens"]
    ids = [np.array(e.ids[:limit], np.int64) for e in model.tokenizer.encode_batch(texts)]

    alone = []
    for row in ids:
        tap, scores = model.read(row[None])
        alone.append((tap[0], model.project(tap[0]), scores[0]))
    worst, differing, compared = {"tap": 0.0, "projected": 0.0, "detector": 0.0}, 0, 0
    generator = np.random.default_rng(seed)
    for size, padding in ((1, 1), (1, 7), (1, 50), (1, 100), (17, 0), (17, 1), (17, 7), (17, 50), (64, 3)):
        order = generator.permutation(len(ids))
        for begin in range(0, len(order), size):
            rows = order[begin : begin + size]
            width = max(len(ids[i]) for i in rows) + padding
            if width > limit:
                width = max(limit, max(len(ids[i]) for i in rows))
            batch, mask = np.zeros((2, len(rows), width), np.int64)
            for k, i in enumerate(rows):
                batch[k, : len(ids[i])], mask[k, : len(ids[i])] = ids[i], 1
            taps, scores = model.read(batch, mask)
            for k, i in enumerate(rows):
                tap, score = taps[k, : len(ids[i])], scores[k, : len(ids[i])]
                difference = np.abs(tap - alone[i][0]).max()
                differing, compared = differing + (difference > 0), compared + 1
                worst["tap"] = max(worst["tap"], float(difference))
                worst["projected"] = max(worst["projected"], float(np.abs(model.project(tap) - alone[i][1]).max()))
                worst["detector"] = max(worst["detector"], float(np.abs(score - alone[i][2]).max()))
    return {
        "texts": len(ids),
        "compared": compared,
        "differing": int(differing),
        **{f"max_{k}": v for k, v in worst.items()},
    }


def speed(model: Folder, texts: list[str], seconds: float = 10.0) -> float:
    """Tokens a second of the bare graph on one thread, in length-sorted batches of at most 2,048 tokens."""
    ids = [np.array(e.ids[: model.description["maximumTokens"]]) for e in model.tokenizer.encode_batch(texts)]
    began, tokens = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for i, tap, _ in read_texts(model.read, ids, budget=2_048):
            tokens += len(tap)
    return tokens / (time.perf_counter() - began)
