"""A text's words, where they stand, and which of them only begin a sentence."""

import re

WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
ARTICLES = frozenset(("a", "an", "the"))


class Words:
    """A text's words and where they stand."""

    def __init__(self, text: str):
        self.places = [match.span() for match in WORD.finditer(text)]
        self.words = [text[start:end] for start, end in self.places]
        # A capital here may only begin a sentence or a quotation.
        self.openings = {0} | {k + 1 for k, word in enumerate(self.words) if word in '.!?:"“'}

    def joined(self, k: int) -> bool:
        """Whether nothing stands between a word and the next one."""
        return k + 1 < len(self.places) and self.places[k][1] == self.places[k + 1][0]

    def span(self, first: int, last: int) -> tuple[int, int]:
        return self.places[first][0], self.places[last][1]


def is_capital(word: str) -> bool:
    return word[:1].isupper() and word.isalpha()


def joined_words(text: str) -> str:
    return " ".join(WORD.findall(text))
