"""A start for the piece embeddings: how pieces keep company in the whole corpus.

The transformer sees far less text than there is; counting is cheap. Positive pointwise mutual information between pieces
and their neighbours, factorised, puts pieces of like use close together before the first training step.
"""

from multiprocessing import Pool
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from .corpus import articles, shards
from .tokenizer import SPECIAL


def _count(arguments: tuple[Path, Path, int, int, int]) -> np.ndarray:
    """Weighted counts of (piece, context piece) over one file: float32 [pieces, contexts]."""
    shard, tokenizer_file, pieces, contexts, window = arguments
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    counts = np.zeros(pieces * contexts, np.float32)
    texts = [article.text for article in articles(shard)]
    for start in range(0, len(texts), 2000):
        encoded = tokenizer.encode_batch_fast(texts[start : start + 2000], add_special_tokens=False)
        ids = np.concatenate([np.array([*encoding.ids, -1], np.int64) for encoding in encoded])  # -1 parts articles
        for distance in range(1, window + 1):
            for piece, context in ((ids[:-distance], ids[distance:]), (ids[distance:], ids[:-distance])):
                kept = (piece >= 0) & (context >= 0) & (context < contexts)
                pairs = piece[kept] * contexts + context[kept]
                found, times = np.unique(pairs, return_counts=True)
                counts[found] += times.astype(np.float32) / distance
    return counts.reshape(pieces, contexts)


def count_neighbours(data: Path, tokenizer_file: Path, contexts: int, window: int, files: int) -> np.ndarray:
    """The counts over the first `files` files. Context pieces are the lowest ids: the trainer gives those to the alphabet
    and to what it merged first, the most frequent pieces."""
    pieces = Tokenizer.from_file(str(tokenizer_file)).get_vocab_size()
    jobs = [(shard, tokenizer_file, pieces, contexts, window) for shard in shards(data)[:files]]
    total = np.zeros((pieces, contexts), np.float32)
    with Pool(2) as pool:
        for counts in pool.imap_unordered(_count, jobs):
            total += counts
    return total


def factorise(counts: np.ndarray, width: int) -> np.ndarray:
    """[pieces, contexts] counts -> [pieces, width] embeddings with rows of length about one."""
    total = counts.sum()
    rows, columns = counts.sum(1) + 1, (counts.sum(0) + 1) ** 0.75
    columns *= total / columns.sum()
    with np.errstate(divide="ignore"):
        information = np.log(counts * total / (rows[:, None] * columns[None, :]))
    information = np.maximum(information, 0, out=information)
    values, vectors = np.linalg.eigh(information.T @ information)
    top = vectors[:, -width:] / np.sqrt(np.sqrt(np.maximum(values[-width:], 1e-6)))  # singular values to the power of one half
    embeddings = information @ top
    embeddings -= embeddings.mean(0)
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    rare = length < 1e-3 * np.median(length)
    noise = np.random.default_rng(0).normal(size=embeddings.shape) / width**0.5
    embeddings = np.where(rare, noise, embeddings / np.maximum(length, 1e-9))
    embeddings[: len(SPECIAL)] = noise[: len(SPECIAL)]
    return embeddings.astype(np.float32)
