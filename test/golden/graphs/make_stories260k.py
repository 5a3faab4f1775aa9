"""Makes test/fixtures/graphs/stories260k*: a real tiny Llama (stories260K of karpathy/tinyllamas, in llama2.c's legacy format) as
uncut causal language models in three graph styles, and float64 goldens that no graph had a part in.

    python make_stories260k.py FOLDER      FOLDER holds stories260K.bin and tok512.bin
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from transformers import LlamaConfig, LlamaForCausalLM

import llama2c
from exporters import CASES, Signature, difference, export, move_weights_out
from genai_style import export_genai
from plain_inputs import with_cache

OUT = Path(__file__).parents[2] / "fixtures" / "graphs"
STYLES = {"torchscript": "onnx/model.onnx", "dynamo": "model.onnx", "genai": "model.onnx"}

# Of these the golden file has the value vectors; of the first three every other tap as well.
TEXTS = [
    "Lily",
    "The old cat sat.",
    "Zoë saw a 😀 東.",
    "dinosaur",
    "He ran",
    "a big, red ball",
    "Tom and his mom went to the park.",
    "“Hi!” said Ben.",
    "naïve café",
    "two  spaces\tand\na line",
    " leading space",
    "👩‍👩‍👧",
    "Cafe\u0301",
    "Once upon a time, there was a little girl named Lily. She loved to play outside.",
    "In 2003 Xu Xing described Microraptor.",
    "?",
    "The dog was happy. The dog ran and ran",
]
ALL_TAPS_OF = 3
TAPS = ["query", "key", "attention", "mlp", "hidden"]

# Only for the comparison of the two tokenisers.
MORE_TEXTS = [
    "", " ", "  ", "\n", "<0x41>", "aaaaaaa", "tttthhheee the  the", "She said: 'wait... wait!'", "é", "e\u0301",
    "ñandú €5 â ™ … — ‘x’", "שָׁלוֹם", "مرحبا", "한국어 東京", "\u200b\u200a\u00a0x", "wasn't", "\U0001f468\u200d\U0001f4bb",
    "  there  was  ", "a\r\nb", "ÀÉÎ", "1234567890 50% & more",
]  # fmt: skip


def half_split(rows: np.ndarray, head_size: int) -> np.ndarray:
    """llama2.c turns the pairs (2i, 2i+1) of a head, transformers (i, i + head size / 2): its order of the first axis, for
    query and key alone. Values and everything after attention are the same in both."""
    return rows.reshape(-1, head_size // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def llama(checkpoint: llama2c.Checkpoint) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=checkpoint.vocabulary, hidden_size=checkpoint.dim, intermediate_size=checkpoint.hidden_dim,
        num_hidden_layers=checkpoint.blocks, num_attention_heads=checkpoint.heads, num_key_value_heads=checkpoint.kv_heads,
        max_position_embeddings=checkpoint.max_tokens, rms_norm_eps=llama2c.EPSILON, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=None, torch_dtype="float32",
    )  # fmt: skip
    weights = checkpoint.weights
    state = {"model.embed_tokens.weight": weights["embedding"], "model.norm.weight": weights["final_norm"]}
    for block in range(checkpoint.blocks):
        name = f"model.layers.{block}"
        state |= {
            f"{name}.input_layernorm.weight": weights["attention_norm"][block],
            f"{name}.self_attn.q_proj.weight": half_split(weights["query"][block], checkpoint.head_size),
            f"{name}.self_attn.k_proj.weight": half_split(weights["key"][block], checkpoint.head_size),
            f"{name}.self_attn.v_proj.weight": weights["value"][block],
            f"{name}.self_attn.o_proj.weight": weights["output"][block],
            f"{name}.post_attention_layernorm.weight": weights["mlp_norm"][block],
            f"{name}.mlp.gate_proj.weight": weights["gate"][block],
            f"{name}.mlp.up_proj.weight": weights["up"][block],
            f"{name}.mlp.down_proj.weight": weights["down"][block],
        }
    model = LlamaForCausalLM(config)
    state["lm_head.weight"] = weights["embedding"]
    model.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in state.items()})
    return model.eval()


def with_wide_heads(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """The same function with heads of 16 instead of 8, for ONNX Runtime's GroupQueryAttention turns no smaller ones: dimension
    d of every head of query, key and value becomes dimension 2d, zeros between (which leaves each its rotary frequency), and
    queries are √2 times as long, for scores are divided by √16 instead of √8."""
    config = LlamaConfig(**(model.config.to_diff_dict() | {"head_dim": 16}))
    wide = LlamaForCausalLM(config)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, tensor in state.items():
        if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
            state[name] = torch.zeros(2 * len(tensor), tensor.shape[1])
            state[name][::2] = tensor * 2**0.5 if "q_proj" in name else tensor
        if name.endswith("o_proj.weight"):
            state[name] = torch.zeros(len(tensor), 2 * tensor.shape[1])
            state[name][:, ::2] = tensor
    wide.load_state_dict(state)
    return wide.eval()


def tokenizer_of(vocabulary: list[tuple[bytes, float]]) -> Tokenizer:
    """The same BPE in Hugging Face's form, as transformers converts Llama's SentencePiece models: a merge for every two pieces
    whose union is a piece, best score first."""
    pieces = [piece.decode().replace(" ", "▁") for piece, _ in vocabulary]
    pieces[:3] = ["<unk>", "<s>", "</s>"]
    ids = {piece: token for token, piece in enumerate(pieces)}
    merges = [
        # Of pieces with one score, which are one piece cut in several ways, the shorter left side first.
        (-score, token, len(piece[:cut]), piece[:cut], piece[cut:])
        for token, (piece, (_, score)) in enumerate(zip(pieces, vocabulary, strict=True))
        if token >= llama2c.BYTE_TOKENS_FROM + 256
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    ]
    tokenizer = Tokenizer(
        models.BPE(ids, [merge[-2:] for merge in sorted(merges)], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s> $B:1", [("<s>", 1)])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "add_bos_token": True, "add_eos_token": False, "model_max_length": 512,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def write_config(model: LlamaForCausalLM, folder: Path) -> None:
    config = model.config.to_diff_dict() | {"architectures": ["LlamaForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def check_tokenizer(tokenizer: Tokenizer, vocabulary: list[tuple[bytes, float]]) -> None:
    for text in TEXTS + MORE_TEXTS:
        tokens, ranges = llama2c.encode(vocabulary, text)
        encoding = tokenizer.encode(text)
        if encoding.ids != tokens:
            raise ValueError(f"{text!r}: llama2.c's tokens are {tokens}, the tokenizer's {encoding.ids}.")
        theirs = [tuple(len(text[:place].encode("utf-16-le")) // 2 for place in found) for found in encoding.offsets]
        if theirs != ranges:
            raise ValueError(f"{text!r}: the tokens' ranges are {ranges}, the tokenizer's {theirs}.")
    print(f"tokenizer.json: llama2.c's tokens of {len(TEXTS + MORE_TEXTS)} texts id for id, with the same offsets")


def goldens(checkpoint: llama2c.Checkpoint, vocabulary: list[tuple[bytes, float]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    texts, values, others = [], [], []
    row = 0
    for index, text in enumerate(TEXTS):
        tokens, ranges = llama2c.encode(vocabulary, text)
        _, taps = llama2c.forward(checkpoint, tokens)
        texts.append({"text": text, "row": row, "tokens": tokens, "offsets": ranges})
        row += len(tokens)
        values.append(np.stack([tap["value"] for tap in taps]))
        if index < ALL_TAPS_OF:
            for tap in taps:
                tap["query"], tap["key"] = (half_split(tap[name].T, checkpoint.head_size).T for name in ("query", "key"))
            others.append([np.concatenate([tap[name] for name in TAPS], axis=1) for tap in taps])
    np.save(folder / "value.npy", np.concatenate(values, axis=1))
    np.save(folder / "taps.npy", np.concatenate(others, axis=1))
    widths = [taps[0][name].shape[1] for name in TAPS]
    columns = {name: [sum(widths[:place]), sum(widths[: place + 1])] for place, name in enumerate(TAPS)}
    golden = {
        "blocks": checkpoint.blocks,
        "value": {"file": "value.npy", "texts": len(TEXTS), "dimensions": values[0].shape[-1]},
        "taps": {"file": "taps.npy", "texts": ALL_TAPS_OF, "columns": columns},
        "texts": texts,
    }
    lines = json.dumps(golden, ensure_ascii=False).replace('{"text":', '\n{"text":')
    (folder / "golden.json").write_text(lines + "\n")


def check_pytorch(model: LlamaForCausalLM, checkpoint: llama2c.Checkpoint, vocabulary: list[tuple[bytes, float]]) -> None:
    worst = 0.0
    for text in TEXTS:
        tokens, _ = llama2c.encode(vocabulary, text)
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0].numpy()
        worst = max(worst, float(np.abs(logits - llama2c.forward(checkpoint, tokens)[0]).max()))
    print(f"transformers in float32 against llama2.c in float64: logits differ by at most {worst:.1e}")
    if worst > 1e-4:
        raise ValueError("transformers' model is not llama2.c's.")


def make_readable(folder: Path) -> None:
    """onnx writes external data that its owner alone may read."""
    for path in folder.rglob("*.*"):
        path.chmod(0o644)


def main() -> None:
    source = Path(sys.argv[1])
    checkpoint = llama2c.read_checkpoint(source / "stories260K.bin")
    vocabulary = llama2c.read_vocabulary(source / "tok512.bin", checkpoint.vocabulary)
    tokenizer = tokenizer_of(vocabulary)
    check_tokenizer(tokenizer, vocabulary)
    goldens(checkpoint, vocabulary, OUT / "stories260k")
    signature = Signature.with_cache(checkpoint.blocks)
    for style, place in STYLES.items():
        folder = OUT / f"stories260k-{style}"
        shutil.rmtree(folder, ignore_errors=True)
        model = with_wide_heads(llama(checkpoint)) if style == "genai" else llama(checkpoint)
        write_tokenizer(tokenizer, folder)
        write_config(model, folder)
        check_pytorch(model, checkpoint, vocabulary)
        model = with_cache(model)
        cases = CASES
        if style == "genai":
            export_genai(model, folder / place)
            # GroupQueryAttention takes several new tokens after a past in a batch of one alone.
            cases = [case for case in CASES if case.batch == 1 or case.past == 0 or case.tokens == 1]
        else:
            model.set_attn_implementation("eager" if style == "torchscript" else "sdpa")
            export(model, signature, style, folder / place)
        if style == "dynamo":
            move_weights_out(folder / place)
        worst = difference(folder / place, model, signature, cases)
        size = (folder / place).stat().st_size
        print(f"{folder.name}: {place} of {size} bytes; its outputs differ from PyTorch's by at most {worst:.1e}")
        make_readable(folder)


if __name__ == "__main__":
    main()
