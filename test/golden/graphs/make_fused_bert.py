"""Makes test/fixtures/graphs/bert-fused: bert-torchscript fused by onnxruntime.transformers' optimizer into
EmbedLayerNormalization, Attention with packed weights and SkipLayerNormalization, as ONNX Runtime's own BERT models are.

    python make_fused_bert.py      after make_families.py bert
"""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.transformers.optimizer import optimize_model

from exporters import CASES, Signature, difference
from make_families import FAMILIES, HEADS, HIDDEN, OUT, build
from plain_inputs import encoder
from slim import slim

FUSED = {"Attention": 2, "EmbedLayerNormalization": 1, "SkipLayerNormalization": 4}


def name_heads(path: Path, out: Path) -> None:
    """transformers 5 reshapes to [batch, tokens, -1, head size]; the optimizer reads the number of heads where the -1 is."""
    model = onnx.load(path)
    made_by = {node.output[0]: node for node in model.graph.node}
    for node in model.graph.node:
        shape = made_by.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is not None and shape.op_type == "Concat" and len(shape.input) == 4:
            constant = made_by[shape.input[2]].attribute[0]
            constant.t.CopyFrom(numpy_helper.from_array(np.array([HEADS])))
    onnx.save(model, out)


def main() -> None:
    source, folder = OUT / "bert-torchscript", OUT / "bert-fused"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(source / "config.json", folder)
    path = folder / "model.onnx"
    name_heads(source / "model.onnx", path)
    optimizer = optimize_model(str(path), model_type="bert", num_heads=HEADS, hidden_size=HIDDEN, opt_level=0)
    optimizer.save_model_to_file(str(path))
    slim(path)
    counts = Counter(node.op_type for node in onnx.load(path).graph.node)
    if any(counts[kind] != count for kind, count in FUSED.items()):
        raise ValueError(f"{path}: expected {FUSED}, came {dict(counts)}.")
    model = encoder(build(FAMILIES["bert"], "eager"))
    cases = [case for case in CASES if case.past == 0]
    worst = difference(path, model, Signature.encoder(token_types=True), cases)
    print(f"bert-fused: {path.stat().st_size} bytes; outputs differ from PyTorch's by at most {worst:.1e}; {dict(counts)}")


if __name__ == "__main__":
    main()
