"""The word-piece tokenizer, trained on the corpus's own text."""

from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from .corpus import articles, shards

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)


def train_tokenizer(data: Path, pieces: int, articles_per_shard: int, alphabet: int = 400) -> Tokenizer:
    """An uncased WordPiece tokenizer of `pieces` pieces; nothing is cut off or padded by it."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    text = (a.text for shard in shards(data) for a in islice(articles(shard), articles_per_shard))
    trainer = trainers.WordPieceTrainer(vocab_size=pieces, special_tokens=SPECIAL, limit_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return tokenizer
