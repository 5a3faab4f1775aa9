"""The shipped graph: the encoder cut at the tap, int8 with static scales, as ONNX.

Written out by hand rather than traced, because every operation is chosen for one property: what a text gives must not
depend on its neighbours in the batch or on padding, to the last bit.

- Activations are quantised per tensor with scales fixed at export, weights per output channel in 7 bits (so that AVX2,
  whose 8-bit products saturate, agrees with VNNI). Integer sums are exact in any order.
- Attention's own two products stay in float32. Its softmax is divided out *after* the product with the values: the
  weights of padding are exact zeros, a product over a longer padded row adds only zeros at its end, and the column of ones
  beside the values sums the weights in that same order. A softmax before it would sum a padded row in another order.
- The embedding table is int8 with a scale per piece.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from .encoder import Encoder, rotations

OPSET = 17


class _Graph:
    """An ONNX graph under construction: nodes in order, constants by name."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def integers(self, *values: int) -> str:
        return self.constant("integers_" + "_".join(map(str, values)).replace("-", "m"), np.array(values, np.int64))

    def node(self, operation: str, *inputs: str, outputs: int = 1, name: str | None = None, **attributes):
        name = name or f"{operation}_{len(self.nodes)}"
        names = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operation, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names


def quantise_rows(weight: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 with one scale a row: [R, C] -> int8 [R, C] in ±levels, float32 [R]."""
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-12) / levels
    return np.round(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def build(encoder: Encoder, ranges: dict[str, tuple[float, float]]) -> onnx.ModelProto:
    """The int8 graph of an encoder. `ranges`: for each linear layer, the lowest and highest value of its input."""
    shape, g = encoder.shape, _Graph()
    D, H, half = shape.width, shape.heads, shape.width // shape.heads // 2

    def array(parameter: torch.Tensor) -> np.ndarray:
        return parameter.detach().float().numpy()

    def norm(x: str, module: torch.nn.LayerNorm, name: str) -> str:
        scale, bias = g.constant(f"{name}.scale", array(module.weight)), g.constant(f"{name}.bias", array(module.bias))
        return g.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=module.eps)

    def quantised(x: str, name: str) -> str:
        low, high = min(ranges[name][0], 0.0), max(ranges[name][1], 0.0)
        step = max((high - low) / 255, 1e-8)
        scale = g.constant(f"{name}.input_scale", np.float32(step))
        zero = g.constant(f"{name}.input_zero", np.uint8(np.clip(round(-low / step), 0, 255)))
        return g.node("DequantizeLinear", g.node("QuantizeLinear", x, scale, zero), scale, zero)

    def linear(x: str, weight: torch.Tensor, bias: torch.Tensor, name: str, output: str | None = None) -> str:
        """x must have passed `quantised`."""
        rows, scales = quantise_rows(array(weight), levels=63)
        dequantised = g.node(
            "DequantizeLinear",
            g.constant(f"{name}.weight", rows.T),
            g.constant(f"{name}.weight_scale", scales),
            g.constant(f"{name}.weight_zero", np.zeros(len(scales), np.int8)),
            axis=1,
        )
        return g.node("Add", g.node("MatMul", x, dequantised), g.constant(f"{name}.bias", array(bias)), name=output)

    def module_linear(x: str, module: torch.nn.Linear, name: str, output: str | None = None) -> str:
        return linear(quantised(x, name), module.weight, module.bias, name, output)

    table, table_scale = quantise_rows(array(encoder.embedding.weight) * encoder.scale, levels=127)
    rows = g.node("Cast", g.node("Gather", g.constant("embedding", table), "input_ids"), to=TensorProto.FLOAT)
    x = g.node("Mul", rows, g.node("Gather", g.constant("embedding.scale", table_scale[:, None]), "input_ids"))

    # allowed [B, 1, 1, T]: one where a token may be attended to; forbidden: -1e9 where it may not.
    allowed = g.node("Unsqueeze", g.node("Cast", "attention_mask", to=TensorProto.FLOAT), g.integers(1, 2))
    one = g.constant("one", np.float32(1))
    forbidden = g.node("Mul", g.node("Sub", allowed, one), g.constant("far", np.float32(1e9)))
    tokens = g.node("Slice", g.node("Shape", "input_ids"), g.integers(1), g.integers(2))
    cos, sin = (
        g.node("Slice", g.constant(name, table.numpy()[:, None]), g.integers(0), tokens, g.integers(0))
        for name, table in zip(("cos", "sin"), rotations(shape))
    )

    for index, block in enumerate(encoder.blocks[: shape.tap]):
        name = f"block_{index}"
        normed = quantised(norm(x, block.norm, f"{name}.norm"), f"{name}.query_key_value")
        projection = block.query_key_value
        projected = linear(normed, projection.weight, projection.bias, f"{name}.query_key_value")
        query_key, value = g.node("Split", projected, g.integers(2 * D, D), axis=-1, outputs=2)
        left, right = g.node(
            "Split",
            g.node("Reshape", query_key, g.integers(0, 0, 2 * H, 2 * half)),
            g.integers(half, half),
            axis=-1,
            outputs=2,
        )
        rotated = g.node(
            "Concat",
            g.node("Sub", g.node("Mul", left, cos), g.node("Mul", right, sin)),
            g.node("Add", g.node("Mul", right, cos), g.node("Mul", left, sin)),
            axis=-1,
        )
        query, key = g.node("Split", rotated, g.integers(H, H), axis=2, outputs=2)
        query = g.node("Transpose", query, perm=[0, 2, 1, 3])
        key = g.node("Transpose", key, perm=[0, 2, 3, 1])
        scale = g.constant("attention_scale", np.float32((2 * half) ** -0.5))
        scores = g.node("Add", g.node("Mul", g.node("MatMul", query, key), scale), forbidden)
        highest = g.node("ReduceMax", scores, axes=[-1], keepdims=1)
        weights = g.node("Mul", g.node("Exp", g.node("Sub", scores, highest)), allowed)
        value = g.node("Reshape", value, g.integers(0, 0, H, 2 * half))
        # One more column of ones: Pad's default mode writes its value after the last dimension.
        value = g.node("Pad", value, g.integers(0, 0, 0, 0, 0, 0, 0, 1), one)
        summed = g.node("MatMul", weights, g.node("Transpose", value, perm=[0, 2, 1, 3]))
        context, total = g.node("Split", summed, g.integers(2 * half, 1), axis=-1, outputs=2)
        context = g.node("Transpose", g.node("Div", context, total), perm=[0, 2, 1, 3])
        context = g.node("Reshape", context, g.integers(0, 0, D))
        x = g.node("Add", x, module_linear(context, block.attention_out, f"{name}.attention_out"))
        normed = norm(x, block.feed_forward_norm, f"{name}.feed_forward_norm")
        hidden = g.node("Relu", module_linear(normed, block.feed_forward_in, f"{name}.feed_forward_in"))
        x = g.node("Add", x, module_linear(hidden, block.feed_forward_out, f"{name}.feed_forward_out"))

    tapped, name = encoder.blocks[shape.tap], f"block_{shape.tap}"
    projection = tapped.query_key_value
    normed = quantised(norm(x, tapped.norm, f"{name}.norm"), f"{name}.query_key_value")
    linear(normed, projection.weight[2 * D :], projection.bias[2 * D :], f"{name}.value", output="tap")
    hidden = module_linear(norm(x, encoder.detector_norm, "detector_norm"), encoder.detector_in, "detector_in")
    module_linear(g.node("Relu", hidden), encoder.detector_out, "detector_out", output="mention_logits")

    axes = ["batch", "tokens"]
    graph = helper.make_graph(
        g.nodes,
        "ner_retriever_encoder",
        [helper.make_tensor_value_info(n, TensorProto.INT64, axes) for n in ("input_ids", "attention_mask")],
        [
            helper.make_tensor_value_info("tap", TensorProto.FLOAT, [*axes, D]),
            helper.make_tensor_value_info("mention_logits", TensorProto.FLOAT, [*axes, 3]),
        ],
        list(g.constants.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="training")
    onnx.checker.check_model(model, full_check=True)
    return model


class _Recorder:
    """Keeps the range of one layer's input: the mean of the batches' extremes, which a single outlier moves little."""

    def __init__(self):
        self.lowest, self.highest = [], []

    def __call__(self, module, inputs):
        self.lowest.append(inputs[0].min().item())
        self.highest.append(inputs[0].max().item())

    def range(self) -> tuple[float, float]:
        return float(np.mean(self.lowest)), float(np.mean(self.highest))


@torch.no_grad()
def calibrate(encoder: Encoder, batches: list[torch.Tensor]) -> dict[str, tuple[float, float]]:
    """The ranges `build` needs, from batches of token ids [B, T] without padding."""
    layers = {"detector_in": encoder.detector_in, "detector_out": encoder.detector_out}
    for index, block in enumerate(encoder.blocks[: encoder.shape.tap]):
        for layer in ("query_key_value", "attention_out", "feed_forward_in", "feed_forward_out"):
            layers[f"block_{index}.{layer}"] = getattr(block, layer)
    tapped = encoder.blocks[encoder.shape.tap]
    layers[f"block_{encoder.shape.tap}.query_key_value"] = tapped.norm  # its input is that norm's output, see below
    recorders = {name: _Recorder() for name in layers}
    hooks = [
        # The tap calls the value rows of the projection directly, so the norm before it is listened to.
        layer.register_forward_hook(lambda module, inputs, output, record=recorders[name]: record(module, (output,)))
        if layer is tapped.norm
        else layer.register_forward_pre_hook(recorders[name])
        for name, layer in layers.items()
    ]
    encoder.eval()
    for ids in batches:
        encoder(ids)
    for hook in hooks:
        hook.remove()
    return {name: recorder.range() for name, recorder in recorders.items()}
