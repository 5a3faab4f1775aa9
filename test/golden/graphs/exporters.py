"""PyTorch's two ONNX exporters over the models of plain_inputs.py, inputs and outputs named and sized as Optimum does, and the
check that a graph is still the model it was exported from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from transformers import PreTrainedModel

from slim import slim

OPSETS = {"torchscript": 17, "dynamo": 20}
BATCH, TOKENS, PAST = "batch_size", "sequence_length", "past_sequence_length"


@dataclass
class Signature:
    """What a model of plain_inputs.py takes and gives."""

    inputs: list[str]
    outputs: list[str]
    blocks: int = 0

    @classmethod
    def encoder(cls, token_types: bool) -> "Signature":
        return cls(["input_ids", "attention_mask", *(["token_type_ids"] if token_types else [])], ["last_hidden_state"])

    @classmethod
    def without_cache(cls) -> "Signature":
        return cls(["input_ids", "attention_mask"], ["logits"])

    @classmethod
    def with_cache(cls, blocks: int) -> "Signature":
        past = cache_names("past_key_values", blocks)
        return cls(["input_ids", "attention_mask", "position_ids", *past], ["logits", *cache_names("present", blocks)], blocks)


@dataclass
class Case:
    batch: int
    past: int
    tokens: int
    padding: int  # tokens at the end of the last row


CASES = [Case(1, 0, 7, 0), Case(3, 0, 9, 4), Case(1, 4, 6, 0), Case(3, 5, 1, 0), Case(2, 3, 6, 2)]


def cache_names(prefix: str, blocks: int) -> list[str]:
    return [f"{prefix}.{block}.{part}" for block in range(blocks) for part in ("key", "value")]


def example(model: PreTrainedModel, signature: Signature, case: Case) -> tuple:
    """Arguments of the model's forward, from a seed."""
    generator = torch.Generator().manual_seed(case.batch + case.past)
    config = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    mask = torch.ones(case.batch, case.past + case.tokens, dtype=torch.int64)
    if case.padding > 0:
        mask[-1, -case.padding :] = 0
    # No padding id among them: RoBERTa counts positions by it.
    ids = torch.randint(3, config.vocab_size, (case.batch, case.tokens), generator=generator)
    ids[mask[:, case.past :] == 0] = config.pad_token_id or 0
    arguments = [ids, mask]
    if "token_type_ids" in signature.inputs:
        arguments.append((torch.arange(case.tokens) > case.tokens // 2).long().repeat(case.batch, 1))
    if signature.blocks:
        arguments.append(torch.arange(case.past, case.past + case.tokens).repeat(case.batch, 1))
        shape = (case.batch, heads, case.past, size)
        arguments.append([tuple(torch.randn(shape, generator=generator) for _ in range(2)) for _ in range(signature.blocks)])
    return tuple(arguments)


def export(model: PreTrainedModel, signature: Signature, style: str, path: Path, opset: int | None = None) -> None:
    """Writes the uncut model, exported by PyTorch's "torchscript" or "dynamo"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = example(model, signature, Case(2, 3 if signature.blocks else 0, 5, 0))
    named = {"input_names": signature.inputs, "output_names": signature.outputs, "opset_version": opset or OPSETS[style]}
    if style == "torchscript":
        torch.onnx.export(model, arguments, path, dynamo=False, dynamic_axes=dynamic_axes(signature), **named)
    else:
        shapes = dynamic_shapes(signature)
        torch.onnx.export(model, arguments, path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **named)
    slim(path)


def dynamic_axes(signature: Signature) -> dict[str, dict[int, str]]:
    axes = {name: {0: BATCH, 1: TOKENS} for name in ("input_ids", "attention_mask", "token_type_ids", "position_ids")}
    axes |= {name: {0: BATCH, 1: TOKENS} for name in ("logits", "last_hidden_state")}
    if signature.blocks:
        axes["attention_mask"][1] = "total_sequence_length"
    axes |= {name: {0: BATCH, 2: PAST} for name in cache_names("past_key_values", signature.blocks)}
    axes |= {name: {0: BATCH, 2: "total_sequence_length"} for name in cache_names("present", signature.blocks)}
    return {name: sizes for name, sizes in axes.items() if name in [*signature.inputs, *signature.outputs]}


def dynamic_shapes(signature: Signature) -> tuple:
    batch, tokens, past = (torch.export.Dim(name) for name in (BATCH, TOKENS, PAST))
    row = {0: batch, 1: tokens}
    if not signature.blocks:
        return (row,) * len(signature.inputs)
    return row, {0: batch, 1: torch.export.Dim.AUTO}, row, [({0: batch, 2: past},) * 2] * signature.blocks


def move_weights_out(path: Path) -> None:
    """Weights of a kilobyte and more into a file beside the model."""
    onnx.save(onnx.load(path), path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=1024)


def difference(path: Path, model: PreTrainedModel, signature: Signature, cases: list[Case]) -> float:
    """How far ONNX Runtime's outputs are from PyTorch's at most, over tokens that are not padding. Refuses what differs in
    truth."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    takes = {value.name for value in session.get_inputs()}
    worst = 0.0
    for case in cases:
        arguments = example(model, signature, case)
        with torch.no_grad():
            expected = model(*arguments)
        flat = [tensor for tensor in arguments if torch.is_tensor(tensor)]
        if signature.blocks:
            flat += [tensor for pair in arguments[-1] for tensor in pair]
            expected = [expected[0], *(tensor[:, :, case.past :].swapaxes(1, 2) for tensor in expected[1:])]
        else:
            expected = [expected]
        feeds = {name: tensor.numpy() for name, tensor in zip(signature.inputs, flat, strict=True)}
        found = session.run(signature.outputs, {name: tensor for name, tensor in feeds.items() if name in takes})
        found = [found[0], *(tensor[:, :, case.past :].swapaxes(1, 2) for tensor in found[1:])]
        kept = arguments[1][:, case.past :].bool().numpy()
        for one, other in zip(found, expected, strict=True):
            worst = max(worst, float(np.abs(one[kept] - other.numpy()[kept]).max()))
    if not worst < 1e-4:
        raise ValueError(f"{path} is not the model it was exported from: outputs differ by {worst:.1e}.")
    return worst
