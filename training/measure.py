"""Measures: R-Precision of a retrieval, and a detector's spans against gold ones."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# ids int64 [B, T] without padding -> tap float32 [B, T, D], detector scores float32 [B, T, 3]
Read = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def read_texts(read: Read, texts: Sequence[np.ndarray], budget: int = 8_192):
    """Reads texts in batches of equal length; yields (index, tap [T, D], detector scores [T, 3]) in no particular order."""
    order = np.argsort([len(ids) for ids in texts], kind="stable")
    begin = 0
    while begin < len(order):
        length, end = len(texts[order[begin]]), begin
        while end < len(order) and len(texts[order[end]]) == length and (end - begin) * length < budget:
            end += 1
        taps, scores = read(np.stack([texts[i] for i in order[begin:end]]).astype(np.int64))
        yield from zip(order[begin:end], taps, scores)
        begin = end


def r_precision(scores: np.ndarray, documents: np.ndarray, relevant: np.ndarray) -> float:
    """Scores of mentions [M], their documents [M], and which documents are relevant, bool [N]: the share of relevant ones
    among the first R distinct documents, a document counting by its best mention."""
    best = np.full(len(relevant), -np.inf)
    np.maximum.at(best, documents, scores)
    count = int(relevant.sum())
    first = np.argsort(-best, kind="stable")[:count]
    return float(relevant[first].mean())


class Span(NamedTuple):
    start: int
    end: int
    score: float


_WORD = re.compile(r"\w+|[^\w\s]")


def decode(scores: np.ndarray, offsets: np.ndarray, words: np.ndarray, threshold: float) -> list[Span]:
    """The detector's spans. scores: [T, 3] of O, B, I; offsets: [T, 2]; words: [T], each piece's word, -1 for special tokens.

    A word takes its first piece's probabilities; it belongs to a span where P(B) + P(I) reaches the threshold, and begins a
    new one where P(B) >= P(I) or nothing precedes it.
    """
    exponents = np.exp(scores - scores.max(-1, keepdims=True))
    _, begin, inside = (exponents / exponents.sum(-1, keepdims=True)).T
    spans, current = [], None  # current: [start, end, sum of scores, words]
    for word in range(words.max(initial=-1) + 1):
        pieces = np.flatnonzero(words == word)
        if not len(pieces):
            continue
        first, last = pieces[0], pieces[-1]
        score = begin[first] + inside[first]
        if score < threshold:
            current = None
        elif current is None or begin[first] >= inside[first]:
            current = [offsets[first, 0], offsets[last, 1], score, 1]
            spans.append(current)
        else:
            current[1], current[2], current[3] = offsets[last, 1], current[2] + score, current[3] + 1
    return [Span(int(start), int(end), float(total / count)) for start, end, total, count in spans]


def _tokens(text: str) -> frozenset[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return frozenset(_WORD.findall(re.sub(r"^(?:the|an?)\s+", "", plain)))


def fuzzy_match(gold: str, found: str) -> bool:
    """Whether one's set of words holds the other's, or they share 0.8 of all their words."""
    a, b = _tokens(gold), _tokens(found)
    return bool(a and b) and (a <= b or b <= a or len(a & b) >= 0.8 * len(a | b))
