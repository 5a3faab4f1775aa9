"""Makes test/fixtures/graphs/<family> and <family>-<style>: tiny transformers of many families with random weights, exported as
people do, and what each tap of each block gives, by PyTorch in float64 with transformers' own masks.

    PYTHONHASHSEED=0 python make_families.py [FAMILY …]      (transformers' ModernBERT walks over a set)
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import PreTrainedModel

from exporters import CASES, Signature, difference, export
from plain_inputs import encoder, with_cache, without_cache

OUT = Path(__file__).parents[2] / "fixtures" / "graphs"
HIDDEN, MLP, HEADS, KV_HEADS, BLOCKS, VOCABULARY, POSITIONS = 16, 28, 4, 2, 2, 48, 32
TAPS = ["query", "key", "value", "attention", "mlp", "hidden"]
# Token ids that the goldens are of; none is a padding id.
SEQUENCES = [[5, 17], [3, 40, 8, 8, 29], [31, 7, 12, 46, 3, 22, 9, 33]]


@dataclass
class Family:
    """block: module of the model's blocks by its path, {} for the block. query, key, value: the projections' paths within the
    block, or packed: the one projection's path and how its output [tokens, …] parts into the three."""

    model: str
    settings: dict
    block: str
    attention: str
    mlp: str
    projections: tuple[str, str, str] = ()
    packed: tuple[str, Callable[[torch.Tensor], tuple]] = ()
    causal: bool = False
    token_types: bool = False
    eager: bool = False
    styles: tuple[str, ...] = ("torchscript", "dynamo")


@dataclass
class Style:
    exporter: str
    attention: str
    cache: bool  # for causal models
    opset: int | None = None


STYLES = {
    "torchscript": Style("torchscript", "eager", cache=True),
    "dynamo": Style("dynamo", "sdpa", cache=False),
    # The standard's own Attention operator, and RotaryEmbedding.
    "attention23": Style("dynamo", "sdpa", cache=True, opset=23),
}


def thirds(rows: torch.Tensor) -> tuple:
    return rows.chunk(3, dim=-1)


def thirds_of_heads(rows: torch.Tensor) -> tuple:
    """GPT-NeoX: query, key and value of the first head, then of the second."""
    return tuple(part.flatten(-2) for part in rows.unflatten(-1, (HEADS, -1)).chunk(3, dim=-1))


def grouped(rows: torch.Tensor) -> tuple:
    """Phi-3: all queries, then the fewer keys, then the values."""
    size = HIDDEN // HEADS
    return rows.split([HEADS * size, KV_HEADS * size, KV_HEADS * size], dim=-1)


SIZES = {"vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": BLOCKS, "num_attention_heads": HEADS}
SIZES |= {"intermediate_size": MLP, "max_position_embeddings": POSITIONS, "pad_token_id": 0}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
SHARED = {"num_key_value_heads": KV_HEADS}
LOCAL = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"], "query_pre_attn_scalar": 6, "head_dim": 6}

BERT_LIKE = {
    "projections": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention": "attention.output.dense",
    "mlp": "output.dense",
}
LLAMA_LIKE = {
    "projections": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention": "self_attn.o_proj",
    "mlp": "mlp.down_proj",
    "block": "model.layers.{}",
    "causal": True,
}

FAMILIES = {
    "bert": Family("BertModel", SIZES, "encoder.layer.{}", token_types=True, styles=tuple(STYLES), **BERT_LIKE),
    "roberta": Family("RobertaModel", SIZES | ENDS | {"pad_token_id": 1, "type_vocab_size": 1}, "encoder.layer.{}", **BERT_LIKE),
    "electra": Family("ElectraModel", SIZES | {"embedding_size": 12}, "encoder.layer.{}", token_types=True, **BERT_LIKE),
    "distilbert": Family(
        "DistilBertModel",
        {
            "vocab_size": VOCABULARY, "dim": HIDDEN, "hidden_dim": MLP, "n_layers": BLOCKS, "n_heads": HEADS,
            "max_position_embeddings": POSITIONS,
        },
        "transformer.layer.{}", "attention.out_lin", "ffn.lin2", ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    ),
    "modernbert": Family(
        "ModernBertModel",
        SIZES | ENDS | {"num_hidden_layers": 3, "global_attn_every_n_layers": 3, "local_attention": 4}
        | {"cls_token_id": 1, "sep_token_id": 2},
        "layers.{}", "attn.Wo", "mlp.Wo", packed=("attn.Wqkv", thirds),
    ),
    "deberta-v2": Family(
        "DebertaV2Model",
        SIZES | {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 4}
        | {"share_att_key": True},
        "encoder.layer.{}", "attention.output.dense", "output.dense",
        ("attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj"), eager=True,
    ),
    "t5": Family(
        "T5EncoderModel",
        {
            "vocab_size": VOCABULARY, "d_model": HIDDEN, "d_kv": 6, "d_ff": MLP, "num_layers": BLOCKS, "num_heads": HEADS,
            "relative_attention_num_buckets": 8, "relative_attention_max_distance": 16, "feed_forward_proj": "gated-gelu",
        },
        "encoder.block.{}", "layer.0.SelfAttention.o", "layer.1.DenseReluDense.wo",
        ("layer.0.SelfAttention.q", "layer.0.SelfAttention.k", "layer.0.SelfAttention.v"), eager=True,
    ),
    "gpt2": Family(
        "GPT2LMHeadModel",
        {
            "vocab_size": VOCABULARY, "n_embd": HIDDEN, "n_layer": BLOCKS, "n_head": HEADS, "n_inner": MLP,
            "n_positions": POSITIONS,
        } | ENDS,
        "transformer.h.{}", "attn.c_proj", "mlp.c_proj", packed=("attn.c_attn", thirds), causal=True,
    ),
    "qwen2": Family("Qwen2ForCausalLM", SIZES | SHARED, styles=tuple(STYLES), **LLAMA_LIKE),
    "qwen3": Family("Qwen3ForCausalLM", SIZES | SHARED | {"head_dim": 6}, **LLAMA_LIKE),
    "mistral": Family("MistralForCausalLM", SIZES | SHARED | {"sliding_window": None}, **LLAMA_LIKE),
    "gemma2": Family("Gemma2ForCausalLM", SIZES | SHARED | LOCAL, eager=True, **LLAMA_LIKE),
    "gemma3": Family("Gemma3ForCausalLM", SIZES | SHARED | LOCAL, **LLAMA_LIKE),
    "phi": Family("PhiForCausalLM", SIZES | SHARED, **(LLAMA_LIKE | {"attention": "self_attn.dense", "mlp": "mlp.fc2"})),
    "phi3": Family(
        "Phi3ForCausalLM", SIZES | SHARED, **(LLAMA_LIKE | {"projections": (), "packed": ("self_attn.qkv_proj", grouped)})
    ),
    "gpt-neox": Family(
        "GPTNeoXForCausalLM",
        SIZES | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}},
        "gpt_neox.layers.{}", "attention.dense", "mlp.dense_4h_to_h",
        packed=("attention.query_key_value", thirds_of_heads), causal=True,
    ),
}  # fmt: skip


def build(family: Family, attention: str) -> PreTrainedModel:
    """The model with weights from a seed, on a grid of 1/32 that compresses well; norms and biases are random too."""
    model_class = getattr(transformers, family.model)
    config = model_class.config_class(**family.settings)
    model = model_class._from_config(config, attn_implementation=attention)
    generator = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            random = torch.randn(weight.shape, generator=generator)
            if weight.dim() < 2:
                # Gemma's norms add the 1 themselves.
                scales = "norm" in name.lower() and name.endswith("weight") and "gemma" not in config.model_type
                random = random / 4 + scales
            elif "embed" not in name and not name.endswith(("wte.weight", "wpe.weight", "shared.weight")):
                random = random / weight.shape[-1] ** 0.5
            weight.copy_((random * 32).round() / 32)
    return model.eval()


def goldens(name: str, family: Family) -> PreTrainedModel:
    """Each sequence alone, without padding, through the model in float64; what its modules give."""
    model = build(family, "eager").double()
    blocks = model.config.num_hidden_layers
    taps: list[dict[str, list]] = [{tap: [] for tap in TAPS} for _ in range(blocks)]
    hooks = []
    for block in range(blocks):
        hooks += hook_block(model.get_submodule(family.block.format(block)), family, taps[block])
    with torch.no_grad():
        for tokens in SEQUENCES:
            ids = torch.tensor([tokens])
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    for hook in hooks:
        hook.remove()

    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    widths = [taps[0][tap][0].shape[-1] for tap in TAPS]
    columns = {tap: [sum(widths[:place]), sum(widths[: place + 1])] for place, tap in enumerate(TAPS)}
    rows = [np.concatenate([np.concatenate(block[tap]) for tap in TAPS], axis=1) for block in taps]
    np.save(folder / "taps.npy", np.stack(rows).astype(np.float32))
    starts = [sum(map(len, SEQUENCES[:place])) for place in range(len(SEQUENCES))]
    sequences = [{"tokens": tokens, "row": row} for tokens, row in zip(SEQUENCES, starts, strict=True)]
    golden = {"blocks": blocks, "taps": {"file": "taps.npy", "columns": columns}, "sequences": sequences}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    return model


def hook_block(block: torch.nn.Module, family: Family, taps: dict[str, list]) -> list:
    def keep(tap: str):
        def hook(module, arguments, output):
            rows = output[0] if isinstance(output, tuple) else output
            # DeBERTa puts its relative positions through the same projections, after the text.
            if len(taps[tap]) == len(taps["hidden"]):
                taps[tap].append(rows.reshape(-1, rows.shape[-1]).numpy())

        return hook

    def keep_packed(module, arguments, output):
        for tap, rows in zip(("query", "key", "value"), family.packed[1](output), strict=True):
            taps[tap].append(rows.reshape(-1, rows.shape[-1]).numpy())

    paths = {"attention": family.attention, "mlp": family.mlp}
    if family.projections:
        paths |= dict(zip(("query", "key", "value"), family.projections, strict=True))
    hooks = [block.get_submodule(path).register_forward_hook(keep(tap)) for tap, path in paths.items()]
    if family.packed:
        hooks.append(block.get_submodule(family.packed[0]).register_forward_hook(keep_packed))
    return [*hooks, block.register_forward_hook(keep("hidden"))]


def write_config(model: PreTrainedModel, folder: Path) -> None:
    config = model.config.to_diff_dict() | {"architectures": [type(model).__name__]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, default=str) + "\n")


def export_family(name: str, family: Family, style_name: str) -> None:
    style = STYLES[style_name]
    folder = OUT / f"{name}-{style_name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = build(family, "eager" if family.eager else style.attention)
    write_config(model, folder)
    if not family.causal:
        model, signature = encoder(model), Signature.encoder(family.token_types)
    elif style.cache:
        model, signature = with_cache(model), Signature.with_cache(BLOCKS)
    else:
        model, signature = without_cache(model), Signature.without_cache()
    path = folder / "model.onnx"
    export(model, signature, style.exporter, path, style.opset)
    cases = [case for case in CASES if signature.blocks or case.past == 0]
    worst = difference(path, model, signature, cases)
    print(f"{folder.name}: {path.stat().st_size} bytes; outputs differ from PyTorch's by at most {worst:.1e}")


def main() -> None:
    for name in sys.argv[1:] or FAMILIES:
        family = FAMILIES[name]
        goldens(name, family)
        for style in family.styles:
            export_family(name, family, style)


if __name__ == "__main__":
    main()
