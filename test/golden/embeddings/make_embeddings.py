"""Makes embeddings.json: what the model in test/fixtures/tiny-model gives for some texts, one at a time, by Python's tokenizers and
ONNX Runtime and NumPy in float64. Run it again in this folder when that model is made anew."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HERE = Path(__file__).parent
MODEL = HERE.parent.parent / "fixtures" / "tiny-model"
THRESHOLD = 0.5

TEXTS = [
    ("In 2003 Xu Xing described Microraptor gui from Liaoning.", ["Xu Xing", "Microraptor gui", "Microraptor", "Liaoning", "2003"]),
    ("😀👩‍👩‍👧 Cafe\u0301 de Flore, naïve 東京 tower!", ["Cafe\u0301", "東京 tower", "😀", "Flore"]),
    ("dinosaur", ["dinosaur"]),
    ("שָׁלוֹם to Haifa\r\nand مرحبا to\tCairo", ["Haifa", "Cairo", "שָׁלוֹם"]),
    ("The Rolling Stones’ “Paint It, Black” (1966) topped the charts in the U.S. and the U.K.", ["The Rolling Stones", "Paint It, Black", "U.S.", "U.K."]),
]

tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
session = onnxruntime.InferenceSession(str(MODEL / "encoder.onnx"), providers=["CPUExecutionProvider"])
head = {name: tensor.astype(np.float64) for name, tensor in load_file(MODEL / "head.safetensors").items()}


def utf16(text: str, code_points: int) -> int:
    return len(text[:code_points].encode("utf-16-le")) // 2


def project(tap: np.ndarray) -> np.ndarray:
    hidden = head["net.0.weight"] @ tap.astype(np.float64) + head["net.0.bias"]
    hidden = hidden / (1 + np.exp(-hidden))
    out = head["net.3.weight"] @ hidden + head["net.3.bias"]
    return out / np.linalg.norm(out)


def last_token(text: str, end: int, offsets: list[tuple[int, int]]) -> int:
    """The last token that holds the mention's last character; accents belong to the letter before them."""
    character = end - 1
    while unicodedata.category(text[character]).startswith("M") and not any(s <= character < e for s, e in offsets):
        character -= 1
    return max(i for i, (s, e) in enumerate(offsets) if s <= character < e)


def with_accents(text: str, end: int) -> int:
    """The accents that the normaliser drops belong to the letter before them."""
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return end


def detect(text: str, logits: np.ndarray, encoding) -> list[dict]:
    """The words by their first pieces, read as the decoding rule says."""
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    scores = weights / weights.sum(axis=1, keepdims=True)
    words = []
    for token, word in enumerate(encoding.word_ids):
        if word is None:
            continue
        start, end = encoding.offsets[token]
        if words and words[-1]["word"] == word:
            words[-1]["end"] = end
        else:
            words.append({"word": word, "start": start, "end": end, "b": scores[token, 1], "i": scores[token, 2]})
    mentions, before = [], False
    for word in words:
        inside = word["b"] + word["i"] >= THRESHOLD
        if inside and before and word["i"] > word["b"]:
            mentions[-1].append(word)
        elif inside:
            mentions.append([word])
        before = inside
    return [
        {
            "start": utf16(text, mention[0]["start"]),
            "end": utf16(text, with_accents(text, mention[-1]["end"])),
            "score": float(np.mean([word["b"] + word["i"] for word in mention])),
        }
        for mention in mentions
    ]


documents = []
for text, mentions in TEXTS:
    encoding = tokenizer.encode(text)
    tap, logits = session.run(None, {
        "input_ids": np.array([encoding.ids], dtype=np.int64),
        "attention_mask": np.ones((1, len(encoding.ids)), dtype=np.int64),
    })
    spans = []
    for mention in mentions:
        start = text.index(mention)
        token = last_token(text, start + len(mention), encoding.offsets)
        spans.append({
            "start": utf16(text, start),
            "end": utf16(text, start + len(mention)),
            "raw": tap[0, token].astype(float).tolist(),
            "projected": project(tap[0, token]).tolist(),
        })
    own = len(encoding.special_tokens_mask) - sum(encoding.special_tokens_mask)
    documents.append({"text": text, "tokens": own, "spans": spans, "detected": detect(text, logits[0], encoding)})

sha256 = json.loads((MODEL / "model.json").read_text())["files"]["encoder.onnx"]["sha256"]
golden = {"encoder": sha256, "threshold": THRESHOLD, "documents": documents}
(HERE / "embeddings.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
