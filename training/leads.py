"""What a lead sentence says its article is: "Alfonso Balcázar (2 March 1926 – …) was a Spanish screenwriter, film director
and producer" -> "spanish screenwriter", "film director", "producer".

No tagger is at hand: a noun phrase is what stands between "is a" and the first word that cannot be part of one.
"""

import json
import re
from pathlib import Path

LONGEST_DESCRIPTION = 10
_COPULA = re.compile(
    r"\b(?:is|was|are|were)\s+(?:(?:also|both|now|originally|formerly|currently|probably|either)\s+)?"
    r"(an?|the|one of the|one of)\s+"
)

_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_WORD = re.compile(r"[^\W_]+(?:['’.&/-][^\W_]+)*\.?")
# Words at which a noun phrase ends.
_STOP = frozenset(
    """
    of in on at by for from to with within near under over between among along about as into through during after before
    since until that which who whom whose where when while and or but is was are were be been has had have can could may
    might will would it he she they this these those its his her their there here than also not only both such so if
    because although though based according consisting located situated formed born founded known used found held made
    set written directed released published produced created developed owned operated played designed built native
    endemic best most recorded performed starring featuring including containing established launched composed hosted
    named called currently commonly usually often primarily mainly originally formerly characterized associated
    affiliated related belonging headquartered living working serving playing using having being led run sung spoken
    broadcast aired given taken done seen considered described dedicated devoted available responsible similar due
    starting specializing originating involving taking fought dating who's around across against off per via up down out
    then north south east west
    """.split()
)
_NESTING = frozenset(
    """
    species genus type kind form variety family subspecies breed order class group member series list set part style
    sort number piece
    """.split()
)
_EMPTY = frozenset(
    """
    one first second third last name former member part number example list series set result person people thing term
    word use way title variety type kind form sort piece group style collection pair subject topic case system work
    state process concept american british english french german largest smallest highest lowest oldest longest tallest
    biggest earliest latest fourth fifth sixth tier now world following same other many few several
    """.split()
)


def read_adjectives(data: Path) -> frozenset[str]:
    """Words that end no type: adjectives, adverbs and verb forms that are not nouns too."""
    words = data / "entity-lists" / "words"
    nouns = set(json.loads((words / "nouns.json").read_text())["nouns"])
    adjectives = set(json.loads((words / "adjs.json").read_text())["adjs"])
    return frozenset(adjectives - nouns)


def plain_title(title: str) -> str:
    """A title without what tells it from its namesakes: "Mercury (planet)" -> "Mercury", "Paris, Texas" -> "Paris"."""
    return _PARENTHESIS.sub("", title).split(", ")[0].strip()


def _phrase(text: str, adjectives: frozenset[str]) -> tuple[list[str], str]:
    """The words of the noun phrase at the start of a text, and what follows it."""
    words, end = [], 0
    for match in _WORD.finditer(text):
        if text[end : match.start()].strip() not in ("", '"', "“", "”"):
            break
        word = match.group().rstrip(".")
        if word in _STOP:  # capitalised it is part of a name: "South Korean"
            break
        words.append(word)
        end = match.end()
        if match.group().endswith("."):
            break
    while words and (
        words[-1].lower() in adjectives
        or re.fullmatch(r".*\d.*|.*ly", words[-1])
        or (len(words) > 1 and words[-1].endswith("ed"))
    ):
        words.pop()
    while words and re.fullmatch(r"\d.*|an?|the", words[0], re.I):
        words.pop(0)
    return words, text[end:]


def lead_types(lead: str, adjectives: frozenset[str]) -> tuple[list[list[str]], str]:
    """The type phrases of a lead sentence, each a list of words as written, and the whole description they begin:
    "village in the administrative district of Gmina Lubanie"; both empty where there is none."""
    for _ in range(3):
        lead = _PARENTHESIS.sub("", lead)
    copula = _COPULA.search(lead[:400])
    if not copula:
        return [], ""
    rest, found = lead[copula.end() :], []
    description = re.split(r"[.;:,(]", rest)[0].split()
    for _ in range(5):
        words, rest = _phrase(rest, adjectives)
        if not words:
            break
        nested = re.match(r"\s+of\s+(?:the\s+|an?\s+)?", rest)
        if words[-1].lower() in _NESTING and nested:
            inner, after = _phrase(rest[nested.end() :], adjectives)
            if inner and words[-1].lower() not in ("part", "member", "list", "series", "set", "number", "piece"):
                found.append(inner)
                if words[-1].lower() in ("species", "genus", "family", "breed", "subspecies", "order"):
                    found.append([words[-1]])
            elif inner and words[-1].lower() == "series":
                found.append(words)
            rest = after
        else:
            found.append(words)
        joint = re.match(r"\s*(?:,\s*(?:and\s+)?|\s+and\s+(?:also\s+)?|\s+or\s+)(?:an?\s+|the\s+)?(?=[A-Za-z])", rest)
        if not joint:
            break
        rest = rest[joint.end() :]
    found = [words for words in found if words[-1].lower() not in _EMPTY and len(words) <= 6]
    return found, " ".join(description).lower() if found and len(found[0]) < len(description) <= LONGEST_DESCRIPTION else ""
