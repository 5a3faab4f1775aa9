"""The encoder: a pre-norm bidirectional transformer, read at the value projection of a middle block.

Shapes: B texts, T tokens, D width, H attention heads of D/H dimensions each.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Every size of the model."""

    pieces: int
    width: int = 256
    heads: int = 4
    feed_forward: int = 1024
    blocks: int = 7
    tap: int = 4  # index of the block whose value projection is read; the blocks after it serve pre-training alone
    head_hidden: int = 512
    head_out: int = 256
    tokens: int = 128  # longest text, special tokens included

    def as_dict(self) -> dict:
        return asdict(self)


def rotations(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, each [tokens, D/H/2]."""
    half = shape.width // shape.heads // 2
    angles = torch.outer(torch.arange(shape.tokens).float(), 10_000.0 ** (-torch.arange(half).float() / half))
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates each head's two halves by the token's angles. x: [B, T, heads, D/H]."""
    cos, sin = cos[: x.shape[1], None].to(x.dtype), sin[: x.shape[1], None].to(x.dtype)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


class Block(nn.Module):
    """One pre-norm block; `value` alone is what the tap reads of it."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.norm = nn.LayerNorm(shape.width)
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width)
        self.attention_out = nn.Linear(shape.width, shape.width)
        self.feed_forward_norm = nn.LayerNorm(shape.width)
        self.feed_forward_in = nn.Linear(shape.width, shape.feed_forward)
        self.feed_forward_out = nn.Linear(shape.feed_forward, shape.width)

    def value(self, x: Tensor) -> Tensor:
        """The value projection of the block's input: [B, T, D] -> [B, T, D]."""
        width = x.shape[-1]
        projection = self.query_key_value
        return functional.linear(self.norm(x), projection.weight[2 * width :], projection.bias[2 * width :])

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        B, T, D = x.shape
        query_key, value = self.query_key_value(self.norm(x)).split((2 * D, D), dim=-1)
        query_key = rotate(query_key.view(B, T, 2 * self.heads, -1), cos, sin).transpose(1, 2)
        query, key = query_key.chunk(2, dim=1)
        value = value.view(B, T, self.heads, -1).transpose(1, 2)
        # Written out: the fused kernel's bf16 backward pass is five to ten times slower on a CPU.
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)
        context = (scores if mask is None else scores.masked_fill(~mask, -1e4)).softmax(-1) @ value
        x = x + self.attention_out(context.transpose(1, 2).reshape(B, T, D))
        # ReLU rather than a smooth activation: it is exact, so int8 arithmetic stays the same wherever a token lies in a batch.
        return x + self.feed_forward_out(functional.relu(self.feed_forward_in(self.feed_forward_norm(x))))


class Output(NamedTuple):
    tap: Tensor  # [B, T, D], value vectors
    mentions: Tensor  # [B, T, 3], scores of O, B, I
    state: Tensor  # [B, T, D], what enters the tap's block


class Encoder(nn.Module):
    """Embeddings, blocks, the mention detector at the tap, and the output norm of the masked language model."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.scale = shape.width**0.5
        self.embedding = nn.Embedding(shape.pieces, shape.width, sparse=True)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.detector_norm = nn.LayerNorm(shape.width)
        self.detector_in = nn.Linear(shape.width, shape.width // 2)
        self.detector_out = nn.Linear(shape.width // 2, 3)
        self.final_norm = nn.LayerNorm(shape.width)
        self.final = nn.Linear(shape.width, shape.width)
        cos, sin = rotations(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.6 * module.in_features**-0.5)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.embedding.weight, std=1 / self.scale)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Output:
        """ids: [B, T]; mask: [B, T, T], true where a token (second) sees another (third), or None where each sees all."""
        x = self.embedding(ids) * self.scale
        attention = None if mask is None else mask[:, None]
        for block in self.blocks[: self.shape.tap]:
            x = block(x, self.cos, self.sin, attention)
        mentions = self.detector_out(functional.relu(self.detector_in(self.detector_norm(x))))
        return Output(self.blocks[self.shape.tap].value(x), mentions, x)

    def language_model(self, state: Tensor, positions: Tensor, candidates: Tensor) -> Tensor:
        """Scores of candidate pieces at some positions, through the blocks after the tap.

        state: [B, T, D] without padding; positions: [P], indices into B*T; candidates: [C], piece ids; returns [P, C].
        """
        for block in self.blocks[self.shape.tap :]:
            state = block(state, self.cos, self.sin, None)
        hidden = self.final(self.final_norm(state.flatten(0, 1)[positions]))
        return hidden @ self.embedding(candidates).T


class Head(nn.Sequential):
    """The projection head; its places 0 and 3 are the published head's: [N, D] -> [N, head_out], of length one."""

    def __init__(self, shape: Shape):
        super().__init__(
            nn.Linear(shape.width, shape.head_hidden),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(shape.head_hidden, shape.head_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(super().forward(x).float(), dim=-1)


class Model(nn.Module):
    """What a checkpoint holds."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.encoder = Encoder(shape)
        self.head = Head(shape)
