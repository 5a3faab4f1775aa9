"""A causal language model of Llama's shape as ONNX Runtime GenAI's model builder writes it for float32 on the CPU: packed
qkv_proj, GroupQueryAttention that turns query and key itself, (Skip)SimplifiedLayerNormalization, weights in model.onnx.data.
Names, order and attributes follow github.com/microsoft/onnxruntime-genai, src/python/py/models/builders/base.py at a0c04eb."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from transformers import LlamaForCausalLM

MASK = "/model/attn_mask_reformat/attn_mask_subgraph"
ROWS = ["batch_size", "sequence_length"]


class Graph:
    """Nodes and weights as the builder names them: the first output of node /a/b is /a/b/output_0."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.constants: set[str] = set()

    def add(
        self, kind: str, name: str, inputs: list[str], outputs: list[str] | None = None, domain: str = "", **attributes
    ) -> str:
        outputs = outputs or [f"{name}/output_0"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name, domain=domain, **attributes))
        return outputs[0]

    def weight(self, name: str, tensor: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(tensor, dtype=np.float32), name))
        return name

    def constant(self, value: int | list[int]) -> str:
        name = f"/model/constants/INT64/{value}"
        if name not in self.constants:
            self.constants.add(name)
            tensor = numpy_helper.from_array(np.array(value, dtype=np.int64), name)
            self.add("Constant", name.replace("constants", "constant_nodes"), [], [name], value=tensor)
        return name

    def matmul(self, name: str, rows: str, weight: np.ndarray, outputs: list[str] | None = None) -> str:
        """weight is [outputs, inputs], as PyTorch has it."""
        return self.add("MatMul", name, [rows, self.weight(f"{name[1:].replace('/', '.')}.weight", weight.T)], outputs)


def export_genai(model: LlamaForCausalLM, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    config = model.config
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    head_size = config.head_dim
    graph = Graph()

    last_tokens, total_tokens = mask_sizes(graph)
    embedding = state["model.embed_tokens.weight"]
    transposed = graph.add("Transpose", "/model/embed_tokens/Transpose", ["lm_head.MatMul.weight"], perm=[1, 0])
    residual = graph.add("Gather", "/model/embed_tokens/Gather", [transposed, "input_ids"])
    added = None
    for block in range(config.num_hidden_layers):
        theirs, ours = f"model.layers.{block}", f"/model/layers.{block}"
        normed, residual = norm(
            graph, block, "input", state[f"{theirs}.input_layernorm.weight"], residual, added, config.rms_norm_eps
        )
        packed = np.concatenate([state[f"{theirs}.self_attn.{name}_proj.weight"] for name in "qkv"])
        qkv = graph.matmul(f"{ours}/attn/qkv_proj/MatMul", normed, packed)
        if block == 0:
            rotary_caches(graph, config.rope_parameters["rope_theta"], head_size, config.max_position_embeddings)
        past = [f"past_key_values.{block}.{part}" for part in ("key", "value")]
        mixed = f"{ours}/attn/GroupQueryAttention"
        graph.add(
            "GroupQueryAttention", mixed,
            [qkv, "", "", *past, last_tokens, total_tokens, "cos_cache", "sin_cache", "", "", ""],
            [f"{mixed}/output_0", f"present.{block}.key", f"present.{block}.value"],
            domain="com.microsoft",
            num_heads=config.num_attention_heads, kv_num_heads=config.num_key_value_heads, scale=float(1 / np.sqrt(head_size)),
            local_window_size=-1, softcap=0.0, do_rotary=1, rotary_interleaved=0,
        )  # fmt: skip
        added = graph.matmul(f"{ours}/attn/o_proj/MatMul", f"{mixed}/output_0", state[f"{theirs}.self_attn.o_proj.weight"])

        weight = state[f"{theirs}.post_attention_layernorm.weight"]
        normed, residual = norm(graph, block, "post_attention", weight, residual, added, config.rms_norm_eps)
        gate = graph.matmul(f"{ours}/mlp/gate_proj/MatMul", normed, state[f"{theirs}.mlp.gate_proj.weight"])
        up = graph.matmul(f"{ours}/mlp/up_proj/MatMul", normed, state[f"{theirs}.mlp.up_proj.weight"])
        sigmoid = graph.add("Sigmoid", f"{ours}/mlp/act_fn/Sigmoid", [gate])
        activated = graph.add("Mul", f"{ours}/mlp/act_fn/Mul", [gate, sigmoid])
        product = graph.add("Mul", f"{ours}/mlp/Mul", [activated, up])
        added = graph.matmul(f"{ours}/mlp/down_proj/MatMul", product, state[f"{theirs}.mlp.down_proj.weight"])
    final = state["model.norm.weight"]
    normed, _ = norm(graph, config.num_hidden_layers, "final_norm", final, residual, added, config.rms_norm_eps, last=True)
    graph.matmul("/lm_head/MatMul", normed, embedding, ["logits"])

    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ROWS)]
    inputs += [helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"])]
    inputs += cache_values("past_key_values", "past_sequence_length", config)
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*ROWS, config.vocab_size])]
    outputs += cache_values("present", "total_sequence_length", config)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "main_graph", inputs, outputs, graph.weights),
        opset_imports=opsets, ir_version=10, producer_name="onnxruntime-genai",
    )  # fmt: skip
    onnx.save(made, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)
    (path.parent / "genai_config.json").write_text(json.dumps(genai_config(config, head_size), indent=4) + "\n")


def mask_sizes(graph: Graph) -> tuple[str, str]:
    """From attention_mask: each row's tokens less one, [batch], and the longest row's tokens, a scalar; int32 as the kernel
    wants."""
    one = graph.constant([1])
    total = graph.add("ReduceSum", f"{MASK}/ReduceSum", ["attention_mask", one], keepdims=0)
    last = graph.add("Sub", f"{MASK}/Sub", [total, one])
    last = graph.add("Cast", f"{MASK}/Sub/Cast", [last], to=TensorProto.INT32)
    shape = graph.add("Shape", f"{MASK}/Shape", ["attention_mask"])
    longest = graph.add("Gather", f"{MASK}/Gather", [shape, graph.constant(1)], axis=0)
    return last, graph.add("Cast", f"{MASK}/Gather/Cast", [longest], to=TensorProto.INT32)


def norm(
    graph: Graph, block: int, place: str, weight: np.ndarray, residual: str, added: str | None, epsilon: float, last: bool = False
) -> tuple[str, str]:
    """The normed rows and the residual. What the layer before adds to the residual is added in the norm; nothing is in the
    first."""
    name = f"/model/layers.{block}/{place}_layernorm"
    weight_name = graph.weight(f"model.layers.{block}.{place}_layernorm.weight", weight)
    normed, sum_of_both = f"{name}/output_0", f"{name}/output_3"
    if added is None:
        graph.add(
            "SimplifiedLayerNormalization",
            f"{name}/LayerNorm",
            [residual, weight_name],
            [normed],
            epsilon=epsilon,
            axis=-1,
            stash_type=1,
        )
        return normed, residual
    outputs = [normed] if last else [normed, "", "", sum_of_both]
    graph.add(
        "SkipSimplifiedLayerNormalization",
        f"{name}/SkipLayerNorm",
        [residual, added, weight_name],
        outputs,
        "com.microsoft",
        epsilon=epsilon,
    )
    return normed, sum_of_both


def rotary_caches(graph: Graph, base: float, head_size: int, max_tokens: int) -> None:
    frequencies = 1 / base ** (np.arange(0, head_size, 2, dtype=np.float64) / head_size)
    angles = np.arange(max_tokens)[:, None] * frequencies
    graph.weight("cos_cache", np.cos(angles))
    graph.weight("sin_cache", np.sin(angles))


def cache_values(prefix: str, tokens: str, config) -> list[onnx.ValueInfoProto]:
    shape = ["batch_size", config.num_key_value_heads, tokens, "kv_cache_dim"]
    names = [f"{prefix}.{block}.{part}" for part in ("key", "value") for block in range(config.num_hidden_layers)]
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]


def genai_config(config, head_size: int) -> dict:
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": "model.onnx",
        "head_size": head_size,
        "hidden_size": config.hidden_size,
        "inputs": {
            "input_ids": "input_ids", "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {"logits": "logits", "present_key_names": "present.%d.key", "present_value_names": "present.%d.value"},
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "num_key_value_heads": config.num_key_value_heads,
    }  # fmt: skip
    model = {"bos_token_id": 1, "context_length": config.max_position_embeddings, "decoder": decoder, "eos_token_id": 2}
    return {"model": model | {"pad_token_id": 2, "type": "llama", "vocab_size": config.vocab_size}, "search": {"max_length": 512}}
