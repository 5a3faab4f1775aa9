"""Drops from an exported graph what is no evidence of where a tap is, so that fixtures stay small in git."""

from pathlib import Path

import onnx

KEPT_METADATA = {"pkg.torch.onnx.name_scopes"}


def slim(path: Path) -> None:
    """Keeps names, shapes, and of the node metadata the module scopes; drops stack traces and doc strings."""
    model = onnx.load(path)
    graph = model.graph
    graph.doc_string = ""
    for node in graph.node:
        node.doc_string = ""
        kept = [(entry.key, entry.value) for entry in node.metadata_props if entry.key in KEPT_METADATA]
        del node.metadata_props[:]
        for key, value in kept:
            node.metadata_props.add(key=key, value=value)
    for value in [*graph.value_info, *graph.input, *graph.output]:
        del value.metadata_props[:]
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    del graph.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)
