"""The raw text: Wikipedia articles as they lie in the data folder, and their sentences."""

import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# A sentence ends at . ! or ? before a capital, a digit or an opening quote; initials and common abbreviations end none.
_BOUNDARY = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b(?:St|Mt|Dr|Mr|Jr|Sr|vs|No|ca|cf)\.)(?<!\b(?:Mrs|Rev|Gen|Col|Sgt|Gov|Sen|Rep)\.)"
    r"\s+(?=[\"“‘(]?[A-Z0-9])"
)


class Article(NamedTuple):
    id: str
    title: str
    text: str


def shards(data: Path) -> list[Path]:
    """The corpus's files, in order."""
    return sorted((data / "wikipedia").glob("wiki-*.jsonl.xz"))


def articles(shard: Path) -> Iterator[Article]:
    """The articles of one file."""
    with lzma.open(shard, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield Article(record["id"], record["title"], record["text"])


def paragraphs(text: str) -> list[list[str]]:
    """An article's paragraphs, each its sentences; lines without a full stop (headings, captions) are left out."""
    return [
        _BOUNDARY.split(paragraph.strip())
        for paragraph in text.split("\n")
        if paragraph.rstrip().endswith((".", "!", "?", '"', "”", ")"))
    ]


def sentences(text: str) -> list[str]:
    return [sentence for paragraph in paragraphs(text) for sentence in paragraph]
