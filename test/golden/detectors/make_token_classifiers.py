"""Makes the token classifiers of test/fixtures/detectors (random weights, two layers) and token-classifiers.json: what the
token-classification pipeline of transformers says of some texts, for each aggregation strategy. Run it in this folder."""

import json
import shutil
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from texts import LONG, TEXTS, utf16
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
    TokenClassificationPipeline,
)
from transformers.pipelines.token_classification import AggregationStrategy

HERE = Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures" / "detectors"
STRATEGIES = ["simple", "first", "average", "max"]
MAXIMUM_TOKENS = 56


class PipelineByWordIds(TokenClassificationPipeline):
    """The pipeline with the tokenizer's own words: left to itself, it guesses those of a byte-level tokenizer from spaces."""

    def gather_pre_entities(self, sentence, input_ids, scores, offset_mapping, special_tokens_mask, strategy, **rest):
        entities = super().gather_pre_entities(sentence, input_ids, scores, offset_mapping, special_tokens_mask, strategy, **rest)
        words = self.tokenizer(sentence).word_ids()
        for entity in entities:
            entity["is_subword"] = words[entity["index"]] == words[entity["index"] - 1]
        return entities


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=MAXIMUM_TOKENS,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=340, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )


def spread(model, tokenizer):
    """Random weights give every token the same label: here each label gets about as many tokens as any other."""
    model.eval()
    with torch.no_grad():
        model.classifier.weight.mul_(6)
        logits = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits[0] for text in TEXTS])
        model.classifier.bias.sub_(logits.mean(dim=0))
        model.classifier.bias[0] += 1
    return model


def bert():
    tokenizer = word_piece()
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=MAXIMUM_TOKENS,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        initializer_range=0.3,
        attn_implementation="eager",
    )
    return tokenizer, spread(BertForTokenClassification(config), tokenizer), ["input_ids", "attention_mask", "token_type_ids"]


def roberta():
    tokenizer = byte_level()
    labels = ["O", "PER", "LOC"]
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=MAXIMUM_TOKENS + 2,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        initializer_range=0.3,
        attn_implementation="eager",
    )
    return tokenizer, spread(RobertaForTokenClassification(config), tokenizer), ["input_ids", "attention_mask"]


def export(model, tokenizer, inputs, path):
    sample = tokenizer(TEXTS[:1], return_tensors="pt")
    dynamic = {0: "batch", 1: "tokens"}

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *tensors):
            return self.model(**dict(zip(inputs, tensors))).logits

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Logits().eval(),
        tuple(sample[name] if name in sample else torch.zeros_like(sample["input_ids"]) for name in inputs),
        str(path),
        input_names=inputs,
        output_names=["logits"],
        dynamic_axes={name: dynamic for name in [*inputs, "logits"]},
        opset_version=17,
        dynamo=False,
    )


def long_scores(model, tokenizer, text):
    """The labels' probabilities of a text of several windows, each token's from the window that shows it better than its neighbours:
    windows of one length that overlap by about a quarter, as few as can be."""
    ids = tokenizer(text)["input_ids"]
    first, tokens, last = ids[0], ids[1:-1], ids[-1]
    capacity = MAXIMUM_TOKENS - 2
    overlap = capacity // 4
    count = -(-(len(tokens) - overlap) // (capacity - overlap))
    length = -(-(len(tokens) + (count - 1) * overlap) // count)
    begins = [window * (len(tokens) - length) // (count - 1) for window in range(count)]
    borders = [0, *((a + length + b) // 2 for a, b in zip(begins, begins[1:])), len(tokens)]
    scores = torch.zeros(len(ids), model.config.num_labels)
    for begin, share, end in zip(begins, borders, borders[1:]):
        logits = model(input_ids=torch.tensor([[first, *tokens[begin : begin + length], last]])).logits[0]
        scores[1 + share : 1 + end] = logits.softmax(-1)[1 + share - begin : 1 + end - begin]
    return count, scores.detach().numpy()


def long_entities(pipeline, text, strategy):
    count, scores = long_scores(pipeline.model, pipeline.tokenizer, text)
    assert count > 3
    tokens = pipeline.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    words = pipeline.gather_pre_entities(
        text,
        tokens["input_ids"],
        scores,
        tokens["offset_mapping"],
        tokens["special_tokens_mask"],
        AggregationStrategy[strategy.upper()],
    )
    entities = pipeline.aggregate(words, AggregationStrategy[strategy.upper()])
    return [entity for entity in entities if entity["entity_group"] != "O"]


def offsets(text, entities):
    """Without the white space at an entity's ends, which some byte-level tokens are."""
    found = []
    for entity in entities:
        own = text[entity["start"] : entity["end"]]
        start, end = entity["start"] + len(own) - len(own.lstrip()), entity["start"] + len(own.rstrip())
        if start < end:
            score, label = float(entity["score"]), entity["entity_group"]
            found.append({"start": utf16(text, start), "end": utf16(text, end), "score": score, "type": label})
    return found


warnings.filterwarnings("ignore")
goldens = {}
for name, make, file, seed in [("bert", bert, "model.onnx", 5), ("roberta", roberta, "onnx/model.onnx", 11)]:
    torch.manual_seed(seed)
    tokenizer, model, inputs = make()
    folder = FIXTURES / f"{name}-token-classifier"
    shutil.rmtree(folder, ignore_errors=True)
    export(model, tokenizer, inputs, folder / file)
    tokenizer.save_pretrained(folder)
    model.config.save_pretrained(folder)
    if name == "bert":
        # Its scores depend on what shares a run with a text: the scales of dynamic quantisation are taken over a whole batch.
        quantised = FIXTURES / "bert-quantised-token-classifier"
        shutil.rmtree(quantised, ignore_errors=True)
        shutil.copytree(folder, quantised, ignore=shutil.ignore_patterns("*.onnx"))
        quantize_dynamic(folder / file, quantised / "model_quantized.onnx", weight_type=QuantType.QUInt8)
    pipeline = PipelineByWordIds(model=model, tokenizer=tokenizer, device="cpu")
    texts = [text for text in TEXTS if len(tokenizer(text)["input_ids"]) <= MAXIMUM_TOKENS]
    goldens[name] = [
        {
            "text": text,
            "mentions": {strategy: offsets(text, pipeline(text, aggregation_strategy=strategy)) for strategy in STRATEGIES},
        }
        for text in texts
    ]
    goldens[name].append(
        {
            "text": LONG,
            "mentions": {strategy: offsets(LONG, long_entities(pipeline, LONG, strategy)) for strategy in STRATEGIES},
        }
    )
    counts = [len(golden["mentions"]["first"]) for golden in goldens[name]]
    print(name, len(texts), "texts, mentions of each:", counts, "tokens of the long text:", len(tokenizer(LONG)["input_ids"]))

(HERE / "token-classifiers.json").write_text(json.dumps({"models": goldens}, ensure_ascii=False, indent=1) + "\n")
