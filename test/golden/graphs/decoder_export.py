"""A decoder of transformers with its key-value cache as plain tensors, and its export by PyTorch's two exporters, with the names that
Optimum gives to inputs and outputs."""

import types
from pathlib import Path

import onnx
import torch
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from slim import slim

OPSET = {"torchscript": 17, "dynamo": 20}


def with_plain_cache(model: PreTrainedModel) -> PreTrainedModel:
    """The model itself (so that its modules keep their names in the graph) with a forward of tensors only: input_ids [batch, tokens],
    attention_mask [batch, past + tokens], position_ids [batch, tokens], past: per block key and value [batch, heads, past, head size].
    The mask is made here: what transformers makes it with cannot be traced."""
    inner = model.forward

    def forward(self, input_ids, attention_mask, position_ids, past):
        cache = DynamicCache()
        for block, (key, value) in enumerate(past):
            cache.update(key, value, block)
        rows = torch.arange(input_ids.shape[1])[:, None] + past[0][0].shape[2]
        columns = torch.arange(attention_mask.shape[1])[None]
        seen = (columns <= rows)[None, None] & attention_mask[:, None, None].bool()
        mask = torch.where(seen, 0.0, torch.finfo(torch.float32).min)
        found = inner(
            input_ids=input_ids, attention_mask=mask, position_ids=position_ids, past_key_values=cache, use_cache=True, return_dict=True
        )
        present = [tensor for layer in found.past_key_values.layers for tensor in (layer.keys, layer.values)]
        return found.logits, *present

    model.forward = types.MethodType(forward, model)
    return model.eval()


def example(model: PreTrainedModel, batch: int, past: int, tokens: int, seed: int = 1) -> tuple:
    """Inputs of with_plain_cache()'s forward, of these sizes."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        torch.randint(3, config.vocab_size, (batch, tokens), generator=generator),
        torch.ones(batch, past + tokens, dtype=torch.int64),
        torch.arange(past, past + tokens).repeat(batch, 1),
        [tuple(torch.randn(batch, heads, past, size, generator=generator) for _ in range(2)) for _ in range(config.num_hidden_layers)],
    )


def cache_names(prefix: str, blocks: int) -> list[str]:
    return [f"{prefix}.{block}.{part}" for block in range(blocks) for part in ("key", "value")]


def input_names(blocks: int) -> list[str]:
    return ["input_ids", "attention_mask", "position_ids", *cache_names("past_key_values", blocks)]


def export_decoder(model: PreTrainedModel, style: str, path: Path, external_data: bool = False) -> None:
    """Writes the uncut causal language model, exported by PyTorch's "torchscript" or "dynamo"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = model.config.num_hidden_layers
    inputs = input_names(blocks)
    outputs = ["logits", *cache_names("present", blocks)]
    arguments = example(model, batch=2, past=3, tokens=5)
    if style == "torchscript":
        axes = {"input_ids": ("batch_size", "sequence_length"), "position_ids": ("batch_size", "sequence_length")}
        axes |= {"logits": ("batch_size", "sequence_length"), "attention_mask": ("batch_size", "total_sequence_length")}
        named = {name: dict(enumerate(sizes)) for name, sizes in axes.items()}
        named |= {name: {0: "batch_size", 2: "past_sequence_length"} for name in cache_names("past_key_values", blocks)}
        named |= {name: {0: "batch_size", 2: "total_sequence_length"} for name in cache_names("present", blocks)}
        torch.onnx.export(
            model, arguments, path, dynamo=False, opset_version=OPSET[style],
            input_names=inputs, output_names=outputs, dynamic_axes=named,
        )  # fmt: skip
        slim(path)
        return
    batch, tokens, past = (torch.export.Dim(name) for name in ("batch_size", "sequence_length", "past_sequence_length"))
    row = {0: batch, 1: tokens}
    shapes = (row, {0: batch, 1: torch.export.Dim.AUTO}, row, [({0: batch, 2: past},) * 2] * blocks)
    torch.onnx.export(
        model, arguments, path, dynamo=True, opset_version=OPSET[style],
        input_names=inputs, output_names=outputs, dynamic_shapes=shapes, external_data=False, verbose=False,
    )  # fmt: skip
    slim(path)
    if external_data:
        onnx.save(onnx.load(path), path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=1024)
