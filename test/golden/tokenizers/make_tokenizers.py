"""Makes a small tokenizer.json of each structure that the well-known families ship, and what the reference (the Python package
tokenizers) makes of texts that tokenizers break on. Needs tokenizers and sentencepiece; run it anywhere, then format
tokenizers.json with biome. Training breaks ties differently in each run: fixtures and answers belong together."""

import base64
import gzip
import hashlib
import json
import re
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

FOLDER = Path(__file__).parent
FIXTURES = FOLDER.parent.parent / "fixtures" / "tokenizers"
CORPUS = FOLDER.parent.parent.parent / "examples" / "demo" / "corpus.jsonl.gz"

TEXTS = [
    "Microraptor was found in Liaoning, described by Xu Xing in 2003.",
    " leading space",
    "trailing space ",
    "  two  spaces   three  ",
    "tabs\tand\nnewlines\r\n\r\nand\u00a0no-break\u3000ideographic spaces",
    "ends with a newline\n",
    "Wait...\n\nWhat?! 'tis he'll they'RE 1234567 3.14",
    "😀",
    "a 👩‍👩‍👧 family, 🏳️‍🌈 and 👍🏽!",
    "𝕊cript 𝒻aces 🜁",
    "e\u0301 cole\u0301gue caf\u00e9 A\u030a",
    "q\u0323\u0307 q\u0307\u0323 \u0301 alone",
    "Straße İstanbul ﬁnd oﬃce Ⅷ ①② ｆｕｌｌ ｗｉｄｔｈ",
    "東京都の人口は約1400万人です。",
    "北京 and 上海",
    "مرحبا بالعالم، كيف حالك؟",
    "שָׁלוֹם עוֹלָם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "한국어 텍스트 각",
    "soft\u00adhyphen zero\u200bwidth joiner\u200dhere",
    "\u0000\u0001\u001f control \u007f",
    "\ufeffbyte order mark",
    "\ufffd replaced",
    "lone \ud800 high and \udc00 low",
    "</s> <s> [SEP] [CLS] <|begin_of_text|> <|endoftext|> <bos> <unk>",
    "written</s>together[SEP]here<|endoftext|>!",
    "<0x41> ▁under▁line Ġspace ##piece",
    "https://example.org/a_b?c=d&e=%20f#g",
    "x" * 120,
    "'quoted' \"double\" “curly” ‘single’ «guillemets» — dash…",
    "\u0600 1 \u0301",
    "",
    " ",
    "\n",
    "a",
]


def corpus() -> list[str]:
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for _, line in zip(range(800), lines)]


def added(content: str, identifier: int, special: bool = True, **flags) -> dict:
    token = {"id": identifier, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {**token, "special": special, **flags}


def template(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> dict:
    special = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}
    sequence = lambda name: {"Sequence": {"id": name, "type_id": 0}}
    single = [special(t) for t, _ in before] + [sequence("A")] + [special(t) for t, _ in after]
    tokens = {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in before + after}
    return {"type": "TemplateProcessing", "single": single, "pair": single + [sequence("B")], "special_tokens": tokens}


def file(model, normalizer=None, pre_tokenizer=None, post_processor=None, added_tokens=(), decoder=None) -> dict:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added_tokens),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": model,
    }


def byte_level(prefix: bool, trim: bool, regex: bool) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def trained_model(tokenizer: Tokenizer, trainer, size_texts: list[str]) -> dict:
    tokenizer.train_from_iterator(size_texts, trainer)
    return json.loads(tokenizer.to_str())["model"]


def byte_bpe(pre_tokenizer, texts, **settings) -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    return {**trained_model(tokenizer, trainer, texts), **settings}


def split_regex(pattern: str) -> tuple[dict, object]:
    described = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    made = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    return described, made


LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def llama3(texts) -> dict:
    described, made = split_regex(LLAMA3)
    model = byte_bpe(made, texts, ignore_merges=True)
    bos, eos = len(model["vocab"]), len(model["vocab"]) + 1
    return file(
        model,
        pre_tokenizer={"type": "Sequence", "pretokenizers": [described, byte_level(False, True, False)]},
        post_processor={
            "type": "Sequence",
            "processors": [byte_level(True, False, True), template([("<|begin_of_text|>", bos)], [])],
        },
        added_tokens=[added("<|begin_of_text|>", bos), added("<|end_of_text|>", eos)],
        decoder=byte_level(True, True, True),
    )


def qwen2(texts) -> dict:
    described, made = split_regex(QWEN2)
    model = byte_bpe(made, texts)
    size = len(model["vocab"])
    return file(
        model,
        normalizer={"type": "NFC"},
        pre_tokenizer={"type": "Sequence", "pretokenizers": [described, byte_level(False, False, False)]},
        post_processor=byte_level(False, False, False),
        added_tokens=[added("<|endoftext|>", size), added("<tool_call>", size + 1, special=False)],
        decoder=byte_level(False, False, False),
    )


def gpt2(texts) -> dict:
    model = byte_bpe(pre_tokenizers.ByteLevel(False), texts)
    return file(
        model,
        pre_tokenizer=byte_level(False, True, True),
        post_processor=byte_level(True, False, True),
        added_tokens=[added("<|endoftext|>", len(model["vocab"]), normalized=True)],
        decoder=byte_level(True, True, True),
    )


def roberta(texts) -> dict:
    """Trimmed offsets, and a space put before the text."""
    model = byte_bpe(pre_tokenizers.ByteLevel(True), texts)
    size = len(model["vocab"])
    model["vocab"] |= {"<s>": size, "</s>": size + 1, "<mask>": size + 2}
    return file(
        model,
        pre_tokenizer=byte_level(True, True, True),
        post_processor={
            "type": "RobertaProcessing",
            "sep": ["</s>", size + 1],
            "cls": ["<s>", size],
            "trim_offsets": True,
            "add_prefix_space": True,
        },
        added_tokens=[added("<s>", size), added("</s>", size + 1), added("<mask>", size + 2, lstrip=True)],
        decoder=byte_level(True, True, True),
    )


def sentencepiece_bpe(texts) -> dict:
    """<unk>, <s>, </s>, the 256 bytes, then what was merged: SentencePiece's order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    model = trained_model(tokenizer, trainers.BpeTrainer(vocab_size=330, limit_alphabet=90, show_progress=False), texts)
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    pieces += sorted(model["vocab"], key=model["vocab"].get)
    vocab = {piece: identifier for identifier, piece in enumerate(pieces)}
    settings = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "ignore_merges": False}
    return {**model, **settings, "vocab": vocab}


SENTENCEPIECE_TOKENS = [added("<unk>", 0), added("<s>", 1), added("</s>", 2)]
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}


def llama2(texts) -> dict:
    prefix = {"type": "Prepend", "prepend": "▁"}
    return file(
        sentencepiece_bpe(texts),
        normalizer={"type": "Sequence", "normalizers": [prefix, SPACES]},
        post_processor=template([("<s>", 1)], []),
        added_tokens=SENTENCEPIECE_TOKENS,
    )


def metaspace(scheme: str, split: bool) -> dict:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def mistral(texts, scheme: str = "first") -> dict:
    return file(
        sentencepiece_bpe(texts),
        pre_tokenizer=metaspace(scheme, False),
        post_processor=template([("<s>", 1)], []),
        added_tokens=SENTENCEPIECE_TOKENS,
    )


def metaspace_always(texts) -> dict:
    """With both a beginning and an end."""
    made = mistral(texts)
    return {**made, "pre_tokenizer": metaspace("always", True), "post_processor": template([("<s>", 1)], [("</s>", 2)])}


def metaspace_never(texts) -> dict:
    return {**mistral(texts), "pre_tokenizer": metaspace("never", True)}


def gemma(texts) -> dict:
    """Spaces become ▁, nothing is put before a text, and runs of newlines are added tokens."""
    model = sentencepiece_bpe(texts)
    model["vocab"] |= {"\n": len(model["vocab"]), "\n\n": len(model["vocab"]) + 1}
    newlines = [added(piece, model["vocab"][piece], special=False) for piece in ("\n", "\n\n")]
    return file(
        model,
        normalizer=SPACES,
        pre_tokenizer={"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        post_processor=template([("<s>", 1)], []),
        added_tokens=SENTENCEPIECE_TOKENS + newlines,
    )


def bert(texts, lowercase: bool) -> dict:
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": lowercase}
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=600, limit_alphabet=150, special_tokens=special, show_progress=False)
    model = trained_model(tokenizer, trainer, texts)
    return file(
        model,
        normalizer=normalizer,
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor=template([("[CLS]", 2)], [("[SEP]", 3)]),
        added_tokens=[added(token, identifier) for identifier, token in enumerate(special)],
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )


def unigram(texts) -> tuple[list, str]:
    """Pieces that SentencePiece trained, and its compiled normalisation: NFKC of the characters that the texts below hold."""
    import unicodedata

    characters = {c for text in TEXTS for c in text if c >= "\u0080" and not 0xD800 <= ord(c) < 0xE000}
    characters |= {chr(point) for point in range(0xFF01, 0xFF5F)}
    rules = {c: unicodedata.normalize("NFKC", c) for c in sorted(characters)}
    rules |= {"\u0000": "", "\u0001": "", "\u00ad": "", "\u200b": " ", "\t": " ", "\n": " ", "\r": " "}
    hexadecimal = lambda text: " ".join(f"{ord(c):X}" for c in text)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rules.tsv"
        changed = [(a, b) for a, b in rules.items() if a != b and a != "\u0000"]
        table.write_text("".join(f"{hexadecimal(a)}\t{hexadecimal(b)}\n" for a, b in changed), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_prefix=f"{folder}/model",
            vocab_size=400,
            model_type="unigram",
            normalization_rule_tsv=str(table),
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            character_coverage=0.995,
            num_threads=1,
            minloglevel=2,
        )
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((Path(folder) / "model.model").read_bytes())
    pieces = [[piece.piece, piece.score] for piece in model.pieces]
    return pieces, base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()


def t5(pieces, charsmap) -> dict:
    return file(
        {"type": "Unigram", "unk_id": 2, "vocab": pieces, "byte_fallback": False},
        normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap},
        pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace("always", True)]},
        post_processor=template([], [("</s>", 1)]),
        added_tokens=[added("<pad>", 0), added("</s>", 1), added("<unk>", 2)],
    )


def xlmr(pieces, charsmap) -> dict:
    """As converters write it today: Metaspace alone, several spaces made one before."""
    vocab = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], *pieces[3:], ["<mask>", 0.0]]
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    strip = {"type": "Strip", "strip_left": False, "strip_right": True}
    return file(
        {"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": False},
        normalizer={"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": charsmap}, strip, spaces]},
        pre_tokenizer=metaspace("always", True),
        post_processor=template([("<s>", 0)], [("</s>", 2)]),
        added_tokens=[added(t, i) for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>"])]
        + [added("<mask>", len(vocab) - 1, lstrip=True)],
    )


def utf16(text: str) -> list[int]:
    """Offset in UTF-16 units of each code point, and of the end."""
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + (2 if ord(character) > 0xFFFF else 1))
    return offsets


def in_order(ranges: list[int]) -> list[int]:
    """Ranges without characters stand where the range before them ends."""
    for i in range(0, len(ranges), 2):
        if ranges[i] == ranges[i + 1]:
            ranges[i : i + 2] = [ranges[i - 1] if i > 0 else 0] * 2
    return ranges


def encode(tokenizer: Tokenizer, text: str) -> dict:
    # JavaScript hands a lone surrogate over as U+FFFD, one code point as before.
    whole = re.sub("[\ud800-\udfff]", "\ufffd", text)
    encoding = tokenizer.encode(whole, add_special_tokens=False)
    offsets = utf16(text)
    return {
        "text": text,
        "ids": encoding.ids,
        "ranges": in_order([offsets[edge] for pair in encoding.offsets for edge in pair]),
    }


def golden(name: str, described: dict, texts: list[str]) -> dict:
    path = FIXTURES / f"{name}.json"
    path.write_text(json.dumps(described, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(path))
    marked = tokenizer.encode("a")
    mask = marked.special_tokens_mask
    before, after = mask.index(0), len(mask) - 1 - mask[::-1].index(0)
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    # A document is text: what reads like a special token in it is none. Unigram would find them in its vocabulary nevertheless.
    if described["model"]["type"] == "Unigram":
        special = {token["content"] for token in described["added_tokens"]}
        hidden = [[f" {piece}" if piece in special else piece, score] for piece, score in described["model"]["vocab"]]
        model = {**described["model"], "vocab": hidden}
        tokenizer = Tokenizer.from_str(json.dumps({**described, "added_tokens": [], "model": model}))
    tokenizer.encode_special_tokens = True
    long = tokenizer.encode(" ".join(texts), add_special_tokens=False)
    numbers = in_order([number for pair in long.offsets for number in pair])
    digest = lambda values: hashlib.sha256(json.dumps(values, separators=(",", ":")).encode()).hexdigest()
    return {
        "prefix": marked.ids[:before],
        "suffix": marked.ids[after + 1 :],
        "highest": highest,
        "texts": [encode(tokenizer, text) for text in TEXTS],
        # Texts of the demo's corpus joined by spaces; ranges count code points.
        "long": {"tokens": len(long.ids), "ids": digest(long.ids), "ranges": digest(numbers)},
    }


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    texts = corpus()
    pieces, charsmap = unigram(texts)
    made = {
        "llama3": llama3(texts),
        "qwen2": qwen2(texts),
        "gpt2": gpt2(texts),
        "roberta": roberta(texts),
        "llama2": llama2(texts),
        "mistral": mistral(texts),
        "metaspace-always": metaspace_always(texts),
        "metaspace-never": metaspace_never(texts),
        "gemma": gemma(texts),
        "bert-uncased": bert(texts, True),
        "bert-cased": bert(texts, False),
        "t5": t5(pieces, charsmap),
        "xlm-roberta": xlmr(pieces, charsmap),
    }
    answers = {name: golden(name, described, texts[:400]) for name, described in made.items()}
    (FOLDER / "tokenizers.json").write_text(json.dumps(answers), encoding="utf-8")


main()
