"""Makes test/fixtures/graphs/stories260k-quantised: the first two blocks of the tiny Llama with the weights of every kind that
people publish, and prints how far each one's value vectors are from the float64 goldens.

    python make_quantised.py FOLDER      after make_stories260k.py, with its FOLDER
"""

import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16

import llama2c
from exporters import Signature, cache_names, export
from make_stories260k import OUT, llama, make_readable, tokenizer_of, write_config, write_tokenizer
from plain_inputs import with_cache
from slim import slim

BLOCKS = 2
FOLDER = OUT / "stories260k-quantised"
CALIBRATION = [
    "Once upon a time, there was a little boy named Tim. He had a big dog and a small red car.",
    "“What is it?” asked the girl. She was sad because her doll was lost in the woods.",
    "In 1999 the café in Zürich sold 25 cakes.",
]


class Calibration(CalibrationDataReader):
    """Inputs of the uncut graph with an empty past, text by text."""

    def __init__(self, vocabulary: list[tuple[bytes, float]], kv_heads: int, head_size: int) -> None:
        rows = [llama2c.encode(vocabulary, text)[0] for text in CALIBRATION]
        self.feeds = iter([feeds_of(tokens, kv_heads, head_size, np.float32) for tokens in rows])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.feeds, None)


def feeds_of(tokens: list[int], kv_heads: int, head_size: int, cache_type: type) -> dict[str, np.ndarray]:
    ids = np.array([tokens])
    empty = np.zeros((1, kv_heads, 0, head_size), cache_type)
    fixed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "position_ids": np.arange(ids.size)[None]}
    return fixed | {name: empty for name in cache_names("past_key_values", BLOCKS)}


def weighted_matmuls(model: onnx.ModelProto) -> list[str]:
    """Names of the MatMul nodes with a constant side: the projections, and not attention itself nor the rotary angles."""
    constant = {tensor.name for tensor in model.graph.initializer}
    return [node.name for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in constant]


def quantise_all(plain: Path, calibration: Calibration) -> None:
    out = FOLDER / "onnx"
    out.mkdir(parents=True)
    onnx.save(convert_float_to_float16(onnx.load(plain), keep_io_types=False), out / "model_fp16.onnx")

    # Unsigned weights: ONNX Runtime multiplies unsigned by signed ones with saturation where the processor has no VNNI.
    quantize_dynamic(plain, out / "model_quantized.onnx", weight_type=QuantType.QUInt8)

    quantize_static(
        plain, out / "model_qdq.onnx", calibration,
        quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
        op_types_to_quantize=["MatMul"], nodes_to_quantize=weighted_matmuls(onnx.load(plain)),
    )  # fmt: skip

    for name, bits in {"model_q4.onnx": 4, "model_q8_blocks.onnx": 8}.items():
        quantiser = MatMulNBitsQuantizer(onnx.load(plain), bits=bits, block_size=32, is_symmetric=True)
        quantiser.process()
        onnx.save(quantiser.model.model, out / name)


def value_error(path: Path, checkpoint: llama2c.Checkpoint) -> float:
    """The largest difference from the goldens over all texts and blocks. The graph is not cut: its value tensors are made
    outputs too."""
    golden = json.loads((OUT / "stories260k" / "golden.json").read_text())
    values = np.load(OUT / "stories260k" / "value.npy")
    model = onnx.load(path)
    names = value_tensors(model)
    half = path.name == "model_fp16.onnx"
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    model.graph.output.extend(helper.make_tensor_value_info(name, kind, None) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    worst = 0.0
    for text in golden["texts"]:
        feeds = feeds_of(text["tokens"], checkpoint.kv_heads, checkpoint.head_size, np.float16 if half else np.float32)
        for block, found in enumerate(session.run(names, feeds)):
            expected = values[block, text["row"] : text["row"] + len(text["tokens"])]
            worst = max(worst, float(np.abs(found[0].astype(np.float64) - expected).max()))
    return worst


def value_tensors(model: onnx.ModelProto) -> list[str]:
    """What the reshape into value heads reads, block by block."""
    return [node.input[0] for node in model.graph.node if node.op_type == "Reshape" and node.name.endswith("self_attn/Reshape_2")]


def main() -> None:
    logging.disable(logging.INFO)
    source = Path(sys.argv[1])
    checkpoint = llama2c.read_checkpoint(source / "stories260K.bin")
    vocabulary = llama2c.read_vocabulary(source / "tok512.bin", checkpoint.vocabulary)
    checkpoint.blocks = BLOCKS
    model = llama(checkpoint)
    shutil.rmtree(FOLDER, ignore_errors=True)
    write_tokenizer(tokenizer_of(vocabulary), FOLDER)
    write_config(model, FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.onnx"
        model.set_attn_implementation("eager")
        export(with_cache(model), Signature.with_cache(BLOCKS), "torchscript", plain)
        quantise_all(plain, Calibration(vocabulary, checkpoint.kv_heads, checkpoint.head_size))
    make_readable(FOLDER)
    largest = np.abs(np.load(OUT / "stories260k" / "value.npy")[:BLOCKS]).max()
    print(f"the largest value is {largest:.1f} in size")
    for path in sorted((FOLDER / "onnx").iterdir()):
        slim(path)
        worst = value_error(path, checkpoint)
        print(f"{path.name}: {path.stat().st_size} bytes; value vectors differ from float64 by at most {worst:.1e}")


if __name__ == "__main__":
    main()
