"""The tiny model the tests use: the shipped model's format with random weights and a real, small vocabulary."""

from itertools import islice
from pathlib import Path

import torch
from torch import nn

from .corpus import articles, shards
from .encoder import Model, Shape
from .folder import write_folder
from .recipe import CUT_OFF
from .tokenizer import train_tokenizer

PIECES = 2_000
SEED = 20


def write_fixture(data: Path, folder: Path) -> None:
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(data, PIECES, articles_per_shard=100, alphabet=120)
    shape = Shape(
        pieces=tokenizer.get_vocab_size(),
        width=32,
        heads=2,
        feed_forward=64,
        blocks=3,
        tap=1,
        head_hidden=48,
        head_out=32,
    )
    model = Model(shape)
    for module in model.modules():
        # Larger than a trained model would start with: different texts must give clearly different vectors.
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1.5 * module.in_features**-0.5)
            nn.init.normal_(module.bias, std=0.2)
    texts = [article.text[:400] for article in islice(articles(shards(data)[0]), 64)]
    calibration = [torch.tensor([tokenizer.encode(text).ids[: shape.tokens]]) for text in texts]
    # Random vectors have no type to end: the shipped model's constants do as well as any.
    write_folder(folder, model, tokenizer, calibration, name="tiny-random", licence="MIT", threshold=0.8, cut_off=CUT_OFF)
