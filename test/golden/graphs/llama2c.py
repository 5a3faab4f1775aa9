"""A tiny Llama in llama2.c's legacy format, and llama2.c's own arithmetic and tokenisation in NumPy float64. This file is the
golden source of test/fixtures/graphs/stories260k: it knows neither PyTorch, nor transformers, nor ONNX."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

EPSILON = 1e-5
ROTARY_BASE = 10000.0
BOS = 1
BYTE_TOKENS_FROM = 3


@dataclass
class Checkpoint:
    """Sizes and float32 weights as the file has them: every matrix is [outputs, inputs], rotary pairs are interleaved."""

    dim: int
    hidden_dim: int
    blocks: int
    heads: int
    kv_heads: int
    vocabulary: int
    max_tokens: int
    weights: dict[str, np.ndarray]

    @property
    def head_size(self) -> int:
        return self.dim // self.heads


def read_checkpoint(path: Path) -> Checkpoint:
    data = path.read_bytes()
    dim, hidden_dim, blocks, heads, kv_heads, vocabulary, max_tokens = struct.unpack("<7i", data[:28])
    if vocabulary < 0:
        raise ValueError(f"{path}: has a classifier of its own; only the shared one is known here.")
    kv_dim = dim * kv_heads // heads
    floats = np.frombuffer(data, "<f4", offset=28)
    weights = {}
    start = 0
    for name, shape in {
        "embedding": (vocabulary, dim),
        "attention_norm": (blocks, dim),
        "query": (blocks, dim, dim),
        "key": (blocks, kv_dim, dim),
        "value": (blocks, kv_dim, dim),
        "output": (blocks, dim, dim),
        "mlp_norm": (blocks, dim),
        "gate": (blocks, hidden_dim, dim),
        "down": (blocks, dim, hidden_dim),
        "up": (blocks, hidden_dim, dim),
        "final_norm": (dim,),
        "rotary": (2, max_tokens, dim // heads // 2),
    }.items():
        size = int(np.prod(shape))
        weights[name] = floats[start : start + size].reshape(shape)
        start += size
    if start != floats.size:
        raise ValueError(f"{path}: {floats.size} weights where the header asks for {start}.")
    return Checkpoint(dim, hidden_dim, blocks, heads, kv_heads, vocabulary, max_tokens, weights)


def forward(model: Checkpoint, tokens: list[int]) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Logits [tokens, vocabulary], and of each block the tensors that can be tapped [tokens, dimensions], all float64. Query
    and key are as before the rotary embedding; attention, mlp: what is added to the residual; hidden: the residual after the
    block."""
    weights = {name: tensor.astype(np.float64) for name, tensor in model.weights.items()}
    positions = np.arange(len(tokens))
    residual = weights["embedding"][tokens]
    taps = []
    for block in range(model.blocks):
        normed = _norm(residual, weights["attention_norm"][block])
        query = normed @ weights["query"][block].T
        key = normed @ weights["key"][block].T
        value = normed @ weights["value"][block].T
        mixed = _attend(_rotate(query, positions, model.head_size), _rotate(key, positions, model.head_size), value, model)
        attention = mixed @ weights["output"][block].T
        residual = residual + attention

        normed = _norm(residual, weights["mlp_norm"][block])
        gate = normed @ weights["gate"][block].T
        mlp = (gate / (1 + np.exp(-gate)) * (normed @ weights["up"][block].T)) @ weights["down"][block].T
        residual = residual + mlp
        taps.append({"value": value, "query": query, "key": key, "attention": attention, "mlp": mlp, "hidden": residual})
    return _norm(residual, weights["final_norm"]) @ weights["embedding"].T, taps


def _norm(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return rows / np.sqrt((rows * rows).mean(axis=-1, keepdims=True) + EPSILON) * weight


def _rotate(rows: np.ndarray, positions: np.ndarray, head_size: int) -> np.ndarray:
    """Each pair (2i, 2i+1) of a head turned by position · base^(-2i / head size)."""
    angles = positions[:, None, None] * ROTARY_BASE ** (-np.arange(0, head_size, 2) / head_size)
    pairs = rows.reshape(len(rows), -1, head_size // 2, 2)
    even, odd = pairs[..., 0], pairs[..., 1]
    turned = np.stack([even * np.cos(angles) - odd * np.sin(angles), even * np.sin(angles) + odd * np.cos(angles)], axis=-1)
    return turned.reshape(rows.shape)


def _attend(query: np.ndarray, key: np.ndarray, value: np.ndarray, model: Checkpoint) -> np.ndarray:
    """Causal attention; query head h reads the key and value head h // (heads / kv_heads)."""
    count = len(query)
    query, key, value = (rows.reshape(count, -1, model.head_size) for rows in (query, key, value))
    mixed = np.empty_like(query)
    for head in range(model.heads):
        shared = head // (model.heads // model.kv_heads)
        scores = query[:, head] @ key[:, shared].T / np.sqrt(model.head_size)
        scores[np.triu_indices(count, 1)] = -np.inf
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed[:, head] = shares / shares.sum(axis=1, keepdims=True) @ value[:, shared]
    return mixed.reshape(count, -1)


def read_vocabulary(path: Path, size: int) -> list[tuple[bytes, float]]:
    """The pieces, a space written as a space, and their scores; by id."""
    data = path.read_bytes()
    vocabulary = []
    start = 4
    for _ in range(size):
        score, length = struct.unpack_from("<fi", data, start)
        vocabulary.append((data[start + 8 : start + 8 + length], score))
        start += 8 + length
    if start != len(data):
        raise ValueError(f"{path}: {len(data) - start} bytes after the last piece.")
    return vocabulary


def encode(vocabulary: list[tuple[bytes, float]], text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """llama2.c's encode() with BOS: a space in front, the characters (or their UTF-8 bytes), then again and again the
    neighbours whose union scores best, the first of equals. The tokens' ranges in the text are half-open UTF-16 offsets: the
    bytes of a character share its range, the space in front shares that of the first character, BOS is 0..0."""
    ids = {piece: token for token, (piece, _) in reversed(list(enumerate(vocabulary)))}
    parts: list[tuple[int, int, int]] = []
    place = 0
    for character in text:
        end = place + len(character.encode("utf-16-le")) // 2
        known = ids.get(character.encode())
        found = [known] if known is not None else [byte + BYTE_TOKENS_FROM for byte in character.encode()]
        if place == 0:
            found = [ids[b" "], *found]
        parts += [(token, place, end) for token in found]
        place = end
    while True:
        best = None
        for index in range(len(parts) - 1):
            token = ids.get(vocabulary[parts[index][0]][0] + vocabulary[parts[index + 1][0]][0])
            if token is not None and (best is None or vocabulary[token][1] > vocabulary[best[1]][1]):
                best = (index, token)
        if best is None:
            break
        index, token = best
        parts[index : index + 2] = [(token, parts[index][1], parts[index + 1][2])]
    return [BOS, *(token for token, _, _ in parts)], [(0, 0), *((start, end) for _, start, end in parts)]
