"""Makes the GLiNER models of test/fixtures/detectors (random weights, two layers, exported by GLiNER's own exporter) and
gliner.json: what GLiNER's own Python code predicts. Needs the package gliner (github.com/urchade/GLiNER). Run it in this folder."""

import json
import shutil
import warnings
from pathlib import Path

import torch
from gliner.config import UniEncoderSpanConfig, UniEncoderTokenConfig
from gliner.decoding.decoder import Span
from gliner.model import UniEncoderSpanGLiNER, UniEncoderTokenGLiNER
from texts import LONG, TEXTS, utf16
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures" / "detectors"
LABEL_SETS = [["person"], ["person", "location", "musical group"], ["animal", "river", "car maker", "prize", "city"]]
HIDDEN = 16


def unigram():
    """As DeBERTa's: SentencePiece pieces with a space before each word."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    trainer = trainers.UnigramTrainer(vocab_size=260, special_tokens=special, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator([*TEXTS, *LABEL_SETS[1], *LABEL_SETS[2]], trainer)
    return finish(tokenizer)


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([*TEXTS, *LABEL_SETS[1], *LABEL_SETS[2]], trainer)
    return finish(tokenizer)


def finish(tokenizer):
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def backbone(model_type, **rest):
    return {
        "model_type": model_type,
        "vocab_size": 260,
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "pad_token_id": 0,
        "initializer_range": 0.3,
        **rest,
    }


def span_model():
    """DeBERTa-like with an LSTM, as the first models; takes 20 words and any number of tokens."""
    encoder = backbone(
        "deberta-v2",
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        max_position_embeddings=64,
        type_vocab_size=0,
    )
    config = UniEncoderSpanConfig(
        model_name="tiny", hidden_size=HIDDEN, max_width=4, max_len=20, num_rnn_layers=1, encoder_config=encoder, dropout=0.1
    )
    model = UniEncoderSpanGLiNER(config, tokenizer=unigram())
    ready(model)
    with torch.no_grad():
        model.model.span_rep_layer.span_rep_layer.out_project[-1].weight.mul_(6)
        model.model.prompt_rep_layer[-1].weight.mul_(4)
    return model


def token_model():
    """BERT-like without an LSTM: takes 96 tokens, the labels among them, and so fewer words than its 64."""
    encoder = backbone("bert", max_position_embeddings=96, attn_implementation="eager")
    config = UniEncoderTokenConfig(
        model_name="tiny", hidden_size=HIDDEN, max_len=64, num_rnn_layers=0, encoder_config=encoder, dropout=0.1
    )
    model = UniEncoderTokenGLiNER(config, tokenizer=word_piece())
    ready(model)
    with torch.no_grad():
        model.model.scorer.out_mlp[-1].weight.mul_(25)
        model.model.scorer.out_mlp[-1].bias.copy_(torch.tensor([2.0, 2.0, 5.0]))
    return model


def ready(model):
    """The steps of GLiNER's `load_from_config` that need no hub."""
    tokenizer = model.data_processor.transformer_tokenizer
    model._resize_token_embeddings(model, model.config, tokenizer)
    model.eval()


def fits(model, text):
    """GLiNER's own code cuts longer texts off, and numbers the words behind one without tokens (a joiner, to BERT) wrongly."""
    words = [word for word, _, _ in model.data_processor.words_splitter(text)]
    tokens = model.data_processor.transformer_tokenizer(words, is_split_into_words=True)
    return len(words) <= model.config.max_len and len(set(tokens.word_ids()) - {None}) == len(words)


def predicted(model, text, labels, **options):
    return [
        {
            "start": utf16(text, entity["start"]),
            "end": utf16(text, entity["end"]),
            "score": entity["score"],
            "label": entity["label"],
        }
        for entity in model.predict_entities(text, labels, threshold=0.5, **options)
    ]


def long_text(model, text, labels):
    """What the span-level model finds in a text of several windows: every span from the window in which it lies farthest from the
    edges, then GLiNER's own greedy search. Windows of `max_len` words overlap by a quarter."""
    words = list(model.data_processor.words_splitter(text))
    longest = model.config.max_len
    begins = [0]
    while begins[-1] + longest < len(words):
        begins.append(begins[-1] + longest - longest // 4)
    windows = [(begin, min(begin + longest, len(words))) for begin in begins]

    def room(window, first, last):
        begin, end = windows[window]
        if first < begin or last >= end:
            return -1
        before = float("inf") if window == 0 else first - begin
        behind = float("inf") if window == len(windows) - 1 else end - 1 - last
        return min(before, behind)

    spans = []
    for window, (begin, end) in enumerate(windows):
        prepared = model.prepare_batch([text[words[begin][1] : words[end - 1][2]]], labels)
        batch = model.collate_batch(prepared["input_x"], prepared["entity_types"])
        scores = torch.sigmoid(model.run_batch(batch).logits[0])
        for first, more, label in torch.nonzero(scores > 0.5).tolist():
            span = Span(begin + first, begin + first + more, labels[label], scores[first, more, label].item())
            rooms = [room(other, span.start, span.end) for other in range(len(windows))]
            if begin + first + more < end and rooms.index(max(rooms)) == window:
                spans.append(span)
    return [
        {"start": utf16(text, words[span.start][1]), "end": utf16(text, words[span.end][2]), "score": span.score}
        for span in model.decoder.greedy_search(sorted(spans, key=lambda span: (span.start, span.end)))
    ]


warnings.filterwarnings("ignore")
goldens = {}
for name, make, file, seed in [("span", span_model, "onnx/model.onnx", 3), ("token", token_model, "model.onnx", 4)]:
    torch.manual_seed(seed)
    model = make()
    folder = FIXTURES / f"gliner-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    export = model.export_to_onnx(folder, opset=19)
    (folder / file).parent.mkdir(exist_ok=True)
    Path(export["onnx_path"]).rename(folder / file)
    goldens[name] = [
        {
            "labels": labels,
            "texts": [
                {
                    "text": text,
                    "flat": predicted(model, text, labels, flat_ner=True),
                    "nested": predicted(model, text, labels, flat_ner=False),
                }
                for text in TEXTS
                if fits(model, text)
            ],
        }
        for labels in LABEL_SETS
    ]
    if name == "span":
        long = {"text": LONG, "labels": LABEL_SETS[1], "flat": long_text(model, LONG, LABEL_SETS[1])}
        print("long text:", len(long["flat"]), "mentions")
    counts = [[(len(text["flat"]), len(text["nested"])) for text in golden["texts"]] for golden in goldens[name]]
    print(name, "mentions (flat, nested):", counts)

(HERE / "gliner.json").write_text(json.dumps({"long": long, "models": goldens}, ensure_ascii=False, indent=1) + "\n")
