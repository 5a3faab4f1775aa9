"""Looks for every golden of every family in the uncut graphs: runs each with all its tensors as outputs, and names the tensor
that holds each tap. A golden that is in no tensor is an error, unless the graph has fused it away.

    python check_taps.py [FOLDER …]
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from make_families import FAMILIES, HEADS, OUT, STYLES, TAPS

TOLERANCE = 2e-5
# Attention of com.microsoft computes the projections inside, SkipLayerNormalization adds the output projections' biases.
FUSED_AWAY = {"bert-fused": {"query", "key", "value", "attention", "mlp"}}


def all_tensors(path: Path, tokens: list[int]) -> dict[str, np.ndarray]:
    """Every float tensor that the graph computes for the tokens alone, with an empty past."""
    model = onnx.load(path)
    named = {value.name for value in model.graph.output}
    computed = [name for node in model.graph.node for name in node.output if name and name not in named]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in computed)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ids = np.array([tokens])
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    given["position_ids"] = np.arange(ids.size)[None]
    feeds = {}
    for value in session.get_inputs():
        past = [1 if size == "batch_size" else 0 if isinstance(size, str) else size for size in value.shape]
        feeds[value.name] = given[value.name] if value.name in given else np.zeros(past, np.float32)
    names = [value.name for value in session.get_outputs()]
    found = zip(names, session.run(names, feeds), strict=True)
    return {name: tensor for name, tensor in found if isinstance(tensor, np.ndarray) and tensor.dtype == np.float32}


def holds(tensor: np.ndarray, rows: np.ndarray) -> bool:
    """Whether it is the rows [tokens, dimensions], perhaps with its dimensions parted into heads."""
    if tensor.size != rows.size or len(rows) not in tensor.shape[:2]:
        return False
    return bool(np.abs(tensor.reshape(rows.shape) - rows).max() < TOLERANCE)


def packed(name: str, query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    """What the one projection gives of which the three are parts."""
    if name == "gpt-neox":
        heads = [rows.reshape(len(rows), HEADS, -1) for rows in (query, key, value)]
        return np.concatenate(heads, axis=-1).reshape(len(query), -1)
    return np.concatenate([query, key, value], axis=-1)


def check(folder: Path, name: str) -> None:
    golden = json.loads((OUT / name / "golden.json").read_text())
    taps = np.load(OUT / name / golden["taps"]["file"])
    sequence = golden["sequences"][-1]
    tensors = all_tensors(folder / "model.onnx", sequence["tokens"])
    for block, rows in enumerate(taps):
        rows = rows[sequence["row"] : sequence["row"] + len(sequence["tokens"])]
        parts = {tap: rows[:, slice(*golden["taps"]["columns"][tap])] for tap in TAPS}
        whole = packed(name, *(parts[tap] for tap in TAPS[:3]))
        places = {}
        for tap in TAPS:
            if tap in FUSED_AWAY.get(folder.name, ()):
                continue
            own = next((tensor for tensor in tensors if holds(tensors[tensor], parts[tap])), None)
            if own is None and tap in TAPS[:3]:
                own = next((f"part of {tensor}" for tensor in tensors if holds(tensors[tensor], whole)), None)
            if own is None:
                raise ValueError(f"{folder.name}: no tensor holds {tap} of block {block}.")
            places[tap] = own
        print(folder.name, block, places)


def main() -> None:
    styles = [*STYLES, "fused"]
    known = {f"{name}-{style}": name for name in FAMILIES for style in styles if (OUT / f"{name}-{style}").is_dir()}
    for folder in sys.argv[1:] or known:
        check(OUT / folder, known[folder])


if __name__ == "__main__":
    main()
