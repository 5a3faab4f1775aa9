"""The PyTorch side of head-training.mjs: the same head, vectors, first weights, batches and schedule. Reads and writes the folder that it is given.

An epoch here is what it is there: gather rows, forward, loss, backward, clip, AdamW. Drawing the batches, and which units are dropped (the same ones,
by the hash of native/cpu/kernels/dropout_factors.h), is not in its time.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

folder = Path(sys.argv[1])
facts = json.loads((folder / "facts.json").read_text())
torch.set_num_threads(facts["threads"])
inputs, hidden, outputs = facts["dimensions"]


def read(name: str, kind: type) -> np.ndarray:
    return np.fromfile(folder / name, kind)


def scramble(bits: np.ndarray) -> np.ndarray:
    bits = (bits ^ bits >> 16) * np.uint32(0x7FEB352D)
    bits = (bits ^ bits >> 15) * np.uint32(0x846CA68B)
    return bits ^ bits >> 16


def dropout_factors(step: int, rows: int) -> torch.Tensor:
    """0 for a unit that is dropped, 1 / (1 - dropout) for the others: [rows, hidden]."""
    key = (facts["seed"] * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03) % 2**64
    places = np.arange(rows * hidden, dtype=np.uint32) + np.uint32(key % 2**32)
    kept = scramble(scramble(places) ^ np.uint32(key >> 32)) >= np.uint32(np.float32(facts["dropout"]) * 2**32)
    return torch.from_numpy(kept.reshape(rows, hidden)) / (1 - facts["dropout"])


table = torch.from_numpy(read("vectors.f32", np.float32).reshape(-1, inputs))
head = nn.Sequential(nn.Linear(inputs, hidden), nn.Linear(hidden, outputs))
flat, at = torch.from_numpy(read("initial.f32", np.float32)), 0
with torch.no_grad():
    for parameter in head.parameters():
        parameter.copy_(flat[at : at + parameter.numel()].view_as(parameter))
        at += parameter.numel()

places, rates = torch.from_numpy(read("batches.i32", np.int32)).long(), read("rates.f32", np.float32)
optimiser = torch.optim.AdamW(head.parameters(), lr=1.0, weight_decay=facts["weightDecay"], fused=True)
step = at = 0
epochs = []
for sizes in facts["epochs"]:
    factors = [dropout_factors(step + i, 3 * examples) for i, examples in enumerate(sizes)]
    started = time.perf_counter()
    for examples, kept in zip(sizes, factors):
        rows = table[places[at : at + 3 * examples]]
        at += 3 * examples
        anchor, positive, negative = functional.normalize(head[1](functional.silu(head[0](rows)) * kept), dim=1).split(examples)
        loss = functional.relu(facts["margin"] + (anchor * negative).sum(1) - (anchor * positive).sum(1)).mean()
        optimiser.param_groups[0]["lr"] = float(rates[step])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        step += 1
    epochs.append(time.perf_counter() - started)

torch.cat([parameter.detach().reshape(-1) for parameter in head.parameters()]).numpy().tofile(folder / "trained.f32")
print(json.dumps({"epochSeconds": epochs, "torch": torch.__version__}))
