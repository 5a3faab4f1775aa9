"""A tiny sentence model with random weights, and what sentence-transformers makes of it, for every pooling.

    python test/golden/sentences/make_sentences.py

needs torch, transformers, sentence-transformers, onnx and onnxruntime. Writes test/fixtures/sentence-model, and sentences.json and pooled.onnx here; then `npm run format`.
"""
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

here = Path(__file__).parent
fixtures = here.parent.parent / "fixtures"
folder = fixtures / "sentence-model"
prompts = {"query": "query: ", "passage": "passage: "}
maximum_tokens = 24
texts = [
    "The volcano smoked.",
    "café 🙂 naïve",
    "Microraptor was a small dinosaur that lived in what is now Liaoning, and glided from tree to tree " * 3,
    "",
    "A bridge over the river, the oldest of its kind, was closed in 1931.",
]
queries = ["dinosaur", "operatic soprano"]

torch.manual_seed(5)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=str(fixtures / "tiny-model" / "tokenizer.json"),
    pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", mask_token="[MASK]",
    model_max_length=maximum_tokens,
)
bert = BertModel(
    BertConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
               max_position_embeddings=32, initializer_range=0.4),
    add_pooling_layer=False,
).eval().requires_grad_(False)
bert.set_attn_implementation("eager")

with tempfile.TemporaryDirectory() as plain:
    bert.save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    transformer = Transformer(plain)
    transformer.max_seq_length = maximum_tokens
    golden = {}
    for mode in ("mean", "cls", "max", "lasttoken"):
        model = SentenceTransformer(
            modules=[transformer, Pooling(16, pooling_mode=mode), Normalize()], prompts=prompts, device="cpu"
        )
        vectors = lambda given, prompt: [
            [round(value, 7) for value in row] for row in model.encode(given, prompt_name=prompt, batch_size=2).tolist()
        ]
        golden[mode] = {"documents": vectors(texts, "passage"), "queries": vectors(queries, "query"), "bare": vectors(texts, None)}
        if mode == "mean":
            shutil.rmtree(folder, ignore_errors=True)
            model.save(str(folder), create_model_card=False)
(folder / "model.safetensors").unlink()  # the ONNX graph stands for it
(folder / "onnx").mkdir()


class LastHiddenState(torch.nn.Module):
    """The mask is made here: what transformers makes it with cannot be traced."""

    def __init__(self):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = torch.where(attention_mask[:, None, None].bool(), 0.0, torch.finfo(torch.float32).min)
        mask = mask + torch.zeros_like(input_ids, dtype=torch.float32)[:, None, :, None]
        return self.bert(input_ids=input_ids, attention_mask=mask, token_type_ids=token_type_ids).last_hidden_state


names = ["input_ids", "attention_mask", "token_type_ids"]
example = torch.ones(2, 5, dtype=torch.int64)
torch.onnx.export(
    LastHiddenState(), (example, example, example * 0), str(folder / "onnx" / "model.onnx"), dynamo=False, opset_version=17,
    input_names=names, output_names=["last_hidden_state"],
    dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]},
)
# As Optimum exports a sentence model: the pooled vector is an output of the graph. Here by a pooling that no configuration names, so
# that it shows whether the output was read.
graph = onnx.load(folder / "onnx" / "model.onnx")
graph.graph.node.append(onnx.helper.make_node("ReduceMin", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0))
graph.graph.output.append(onnx.helper.make_tensor_value_info("sentence_embedding", onnx.TensorProto.FLOAT, ["batch", 16]))
onnx.save(graph, here / "pooled.onnx")
session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
ids = np.array([Tokenizer.from_file(str(folder / "tokenizer.json")).encode("query: " + queries[0]).ids])
feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
row = session.run(["sentence_embedding"], feeds)[0][0].astype(np.float64)
golden["pooled"] = {"queries": [[round(value, 7) for value in (row / np.linalg.norm(row)).tolist()]]}


def own_vectors(given: list[str]) -> list[list[float]]:
    """The mean of the tiny model's tap over a text's own tokens, through its head, in float64: as a model's sentence head is read."""
    folder = fixtures / "tiny-model"
    session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), providers=["CPUExecutionProvider"])
    head = {name: tensor.astype(np.float64) for name, tensor in load_file(folder / "head.safetensors").items()}
    rows = []
    for text in given:
        encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text)
        ids = np.array([encoding.ids], np.int64)
        tap = session.run(["tap"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0].astype(np.float64)
        mean = (tap[1:-1] if len(tap) > 2 else tap).mean(0)
        inner = head["net.0.weight"] @ mean + head["net.0.bias"]
        row = head["net.3.weight"] @ (inner / (1 + np.exp(-inner))) + head["net.3.bias"]
        rows.append([round(value, 7) for value in (row / np.linalg.norm(row)).tolist()])
    return rows


golden["own"] = {"documents": own_vectors(texts), "queries": own_vectors(queries)}
(here / "sentences.json").write_text(json.dumps({"texts": texts, "queries": queries, "vectors": golden}, indent=1) + "\n")
