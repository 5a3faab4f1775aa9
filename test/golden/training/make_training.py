"""Makes training.json: what PyTorch says of the loss, the gradients and some steps of AdamW on small heads. Needs torch; run it in this folder.

Dropout is PyTorch's in meaning only: which units are dropped is the hash that native/cpu/kernels/dropout_factors.h says.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

MASK_64 = 2**64 - 1
MASK_32 = 2**32 - 1


def scramble(bits: int) -> int:
    bits ^= bits >> 16
    bits = bits * 0x7FEB352D & MASK_32
    bits ^= bits >> 15
    bits = bits * 0x846CA68B & MASK_32
    return bits ^ bits >> 16


def dropout_factors(seed: int, step: int, dropout: float, rows: int, units: int) -> torch.Tensor:
    key = (seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03) & MASK_64
    hashes = [scramble(scramble((place + key) & MASK_32) ^ key >> 32) for place in range(rows * units)]
    kept = torch.tensor([float(hash >= dropout * 2**32) for hash in hashes]).view(rows, units)
    return kept / (1 - dropout)


class Head(nn.Module):
    def __init__(self, dimensions: tuple[int, int, int], gate: bool):
        super().__init__()
        size, hidden, out = dimensions
        if gate:
            self.gate = nn.Parameter(torch.randn(size))
        self.first = nn.Linear(size, hidden)
        self.second = nn.Linear(hidden, out)

    def forward(self, rows: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        if hasattr(self, "gate"):
            rows = rows * torch.sigmoid(self.gate)
        return functional.normalize(self.second(functional.silu(self.first(rows)) * factors), dim=1)


def flat(tensors) -> list[float]:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).tolist()


def loss_of(units: torch.Tensor, batch: dict, loss: dict) -> torch.Tensor:
    anchors, positives, negatives = (units[torch.tensor(batch[name], dtype=torch.long)] for name in ("anchors", "positives", "negatives"))
    far = torch.einsum("ed,end->en", anchors, negatives)
    if loss["loss"] == "triplet":
        near = (anchors * positives).sum(1, keepdim=True)
        return functional.relu(loss["margin"] + (1 - near) - (1 - far)).mean()
    scores = anchors @ positives.T
    allowed = torch.eye(len(anchors), dtype=torch.bool)
    if "contrast" in batch:
        allowed |= torch.tensor(batch["contrast"], dtype=torch.bool).view(scores.shape)
    logits = torch.cat([scores.masked_fill(~allowed, -torch.inf), far], dim=1) / loss["temperature"]
    return functional.cross_entropy(logits, torch.arange(len(anchors)))


def case(name: str, dimensions: tuple[int, int, int], loss: dict, gate: bool, dropout: float, negatives: int, contrast: bool, clip: float):
    random = np.random.default_rng(len(name))
    rows, examples, seed = 14, 6, 4_000_000_007
    batch = {
        "rows": random.integers(0, 20, rows).tolist(),
        "anchors": random.integers(0, rows, examples).tolist(),
        "positives": random.integers(0, rows, examples).tolist(),
        "negatives": random.integers(0, rows, (examples, negatives)).tolist(),
    }
    if contrast:
        batch["contrast"] = random.integers(0, 2, examples * examples).tolist()
    table = torch.randn(20, dimensions[0])
    head = Head(dimensions, gate)
    update = {"learningRate": 0.01, "weightDecay": 0.1, "maximumGradientNorm": clip}
    optimiser = torch.optim.AdamW(head.parameters(), lr=update["learningRate"], weight_decay=update["weightDecay"])
    initial = flat(head.parameters())
    losses, first_gradients = [], None
    for step in range(4):
        factors = dropout_factors(seed, step, dropout, rows, dimensions[1])
        value = loss_of(head(table[torch.tensor(batch["rows"])], factors), batch, loss)
        optimiser.zero_grad()
        value.backward()
        first_gradients = first_gradients or flat(parameter.grad for parameter in head.parameters())
        if clip > 0:
            nn.utils.clip_grad_norm_(head.parameters(), clip)
        optimiser.step()
        losses.append(value.item())
    return {
        "name": name, "dimensions": dimensions, "gate": gate, "dropout": dropout, "seed": seed, "loss": loss, "update": update, "batch": batch,
        "table": table.reshape(-1).tolist(), "parameters": initial, "gradients": first_gradients, "losses": losses,
        "trained": flat(head.parameters()),
    }  # fmt: skip


torch.manual_seed(0)
triplet, info_nce = {"loss": "triplet", "margin": 0.5}, {"loss": "info-nce", "temperature": 0.1}
cases = [
    case("triplet", (11, 9, 7), triplet, False, 0.0, 1, False, 0.0),
    case("triplet, gate and dropout", (20, 33, 5), triplet, True, 0.25, 2, False, 0.0),
    case("triplet, clipped", (11, 9, 7), triplet, False, 0.0, 1, False, 0.05),
    case("info-nce, given negatives", (13, 18, 6), info_nce, False, 0.1, 3, False, 0.0),
    case("info-nce, in-batch negatives and gate", (9, 12, 17), info_nce, True, 0.0, 0, True, 0.0),
    case("info-nce, both", (16, 16, 16), info_nce, False, 0.1, 2, True, 1.0),
]


def rounded(value):
    """Nine digits name a float32 exactly, and keep the file small."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return {key: rounded(each) for key, each in value.items()} if isinstance(value, dict) else value


Path(__file__).with_name("training.json").write_text("[\n" + ",\n".join(json.dumps(rounded(each)) for each in cases) + "\n]\n")
