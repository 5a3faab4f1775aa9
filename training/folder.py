"""The model folder: what the software opens."""

import hashlib
import json
from pathlib import Path

import onnx
import torch
from safetensors.torch import save as serialize
from tokenizers import Tokenizer

from . import graph
from .encoder import Model
from .tokenizer import PAD

VERSION = "0.2.0"


def write_folder(
    folder: Path,
    model: Model,
    tokenizer: Tokenizer,
    calibration: list[torch.Tensor],
    *,
    name: str,
    licence: str,
    threshold: float,
    cut_off: dict[str, float] | None,
) -> None:
    """Writes a model folder.

    `calibration`: batches of token ids [B, T] from training text, without padding. `cut_off`: how its scores tell where a type
    ends, by the names of model.json; None where nobody measured it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder, head = model.encoder.float().eval(), model.head.float().eval()
    onnx.save(graph.build(encoder, graph.calibrate(encoder, calibration)), folder / "encoder.onnx")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    weights = {f"net.{key}": value.contiguous() for key, value in head.state_dict().items()}
    (folder / "head.safetensors").write_bytes(serialize(weights))
    files = ("encoder.onnx", "tokenizer.json", "head.safetensors")
    description = {
        "format": 1,
        "name": name,
        "version": VERSION,
        "license": licence,
        "language": "en",
        "encoder": {"file": "encoder.onnx", "outputs": {"tap": "tap", "detector": "mention_logits"}},
        "tap": {"block": encoder.shape.tap, "tensor": "value", "dimensions": encoder.shape.width},
        "pooling": "last",
        "maximumTokens": encoder.shape.tokens,
        "padding": {"id": PAD},
        "tokenizer": "tokenizer.json",
        "head": "head.safetensors",
        "dimensions": encoder.shape.head_out,
        "detector": {"labels": ["O", "B", "I"], "threshold": threshold},
        **({} if cut_off is None else {"cutOff": cut_off}),
        "files": {file: _fingerprint(folder / file) for file in files},
    }
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _fingerprint(file: Path) -> dict:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
