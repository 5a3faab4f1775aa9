"""What running text says of types in passing: "garments such as the sari", "fever, nausea and other symptoms".

Such lists type everyday nouns, which have no lead sentence of their own, and say which types are broader than others.
"""

import re
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

from .corpus import articles, sentences, shards

_SUCH_AS = re.compile(r"((?:[a-z-]+ ){0,2}[a-z-]+s),? (?:such as|including|especially) (.{3,160})")
_AND_OTHER = re.compile(r"(.{3,160}?),? (?:and|or) other ((?:[a-z-]+ ){0,2}[a-z-]+s)\b")
_ITEM = re.compile(r"^(?:[\w'’-]+ ){0,3}[\w'’-]+$")
_DETERMINERS = frozenset("the a an his her its their some many most other various".split())


def singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("men"):
        return word[:-3] + "man"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _items(text: str, stop: frozenset[str], last_first: bool) -> Iterator[str]:
    """The items of a list: from its start, or from its end backwards; the outermost one is cut at the first function word."""
    parts = re.split(r",? (?:and|or) |, ", re.split(r"[.;:()\"“”]", text)[-1 if last_first else 0].strip())
    for part in list(reversed(parts))[:6] if last_first else parts[:6]:
        words = [word for k, word in enumerate(part.split()) if k > 0 or word.lower() not in _DETERMINERS]
        stops = [k for k, word in enumerate(words) if word.lower() in stop]
        if stops:
            words = words[stops[-1] + 1 :] if last_first else words[: stops[0]]
        item = _ITEM.match(" ".join(words))
        if item:
            yield item.group()
        if stops or not item:
            return


def _read(arguments: tuple[Path, frozenset[str], frozenset[str]]) -> Counter:
    shard, types, stop = arguments
    found: Counter = Counter()

    def type_of(phrase: str) -> str | None:
        words = phrase.split()
        words[-1] = singular(words[-1])
        return next((" ".join(words[i:]) for i in range(len(words)) if " ".join(words[i:]) in types), None)

    for article in articles(shard):
        for sentence in sentences(article.text):
            if " such as " in sentence or " including " in sentence or " especially " in sentence:
                for match in _SUCH_AS.finditer(sentence):
                    broader = type_of(match.group(1))
                    if broader:
                        found.update((item, broader) for item in _items(match.group(2), stop, last_first=False))
            if " other " in sentence:
                for match in _AND_OTHER.finditer(sentence):
                    broader = type_of(match.group(2))
                    if broader:
                        found.update((item, broader) for item in _items(match.group(1), stop, last_first=True))
    return found


def listed_in_text(data: Path, files: int, types: frozenset[str], stop: frozenset[str], processes: int = 2) -> Counter:
    """How often text lists an item under a type: counts of (item as written, type)."""
    with Pool(processes) as pool:
        return sum(pool.imap_unordered(_read, [(shard, types, stop) for shard in shards(data)[:files]]), Counter())
