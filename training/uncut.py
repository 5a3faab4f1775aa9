"""The whole encoder, float32 and uncut, as an ONNX model of the kind that hubs publish: for `ner-retriever study`."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from .encoder import Block, Encoder, rotate
from .recipe import Work, load_checkpoint
from .tokenizer import PAD


class Uncut(nn.Module):
    """input_ids and attention_mask, int64 [B, T], to the last block's output [B, T, D]."""

    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder = encoder.float().eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        encoder = self.encoder
        x = encoder.embedding(input_ids) * encoder.scale
        seen = attention_mask[:, None, None, :].bool()
        for block in encoder.blocks:
            x = self.through(block, x, seen)
        return x

    def through(self, block: Block, x: Tensor, seen: Tensor) -> Tensor:
        """`Block.forward` with its three projections taken apart before anything else is done to them."""
        B, T, D = x.shape
        query, key, value = (
            part.view(B, T, block.heads, D // block.heads) for part in block.query_key_value(block.norm(x)).chunk(3, -1)
        )
        query, key = (rotate(part, self.encoder.cos, self.encoder.sin).transpose(1, 2) for part in (query, key))
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)
        context = scores.masked_fill(~seen, -1e4).softmax(-1) @ value.transpose(1, 2)
        x = x + block.attention_out(context.transpose(1, 2).reshape(B, T, D))
        return x + block.feed_forward_out(torch.relu(block.feed_forward_in(block.feed_forward_norm(x))))


def run(work: Work, out: Path) -> None:
    """Writes model.onnx, config.json and tokenizer.json to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    encoder = load_checkpoint(work.folder).encoder
    model = Uncut(encoder)
    ids = torch.randint(5, encoder.shape.pieces, (2, 9))
    seen = torch.ones_like(ids)
    with torch.no_grad():
        state = encoder(ids).state
        for block in encoder.blocks[encoder.shape.tap :]:
            state = block(state, encoder.cos, encoder.sin, None)
        assert torch.allclose(model(ids, seen), state, atol=1e-4), "the uncut graph is not the encoder"
    torch.onnx.export(
        model,
        (ids, seen),
        out / "model.onnx",
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "last_hidden_state")},
        opset_version=17,
        dynamo=False,
    )
    shape = encoder.shape
    config = {
        "model_type": "ner-retriever",
        "hidden_size": shape.width,
        "num_hidden_layers": shape.blocks,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "vocab_size": shape.pieces,
        "max_position_embeddings": shape.tokens,
        "pad_token_id": PAD,
    }
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    work.tokenizer().save(str(out / "tokenizer.json"), pretty=False)
