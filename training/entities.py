"""Everything that has a type, and the type phrases themselves."""

from dataclasses import dataclass, field

from .type_nouns import held_out_endings, tells_held_out


@dataclass
class Entities:
    """Everything that has a type."""

    phrases: list[str] = field(default_factory=list)  # all type phrases
    own: list[list[int]] = field(default_factory=list)  # per entity: phrases its text says of it, without the held-out ones
    broad: list[list[int]] = field(default_factory=list)  # per entity: phrases from the hierarchies
    described: list[list[int]] = field(default_factory=list)  # per entity: at most one longer description
    name: list[str] = field(default_factory=list)  # per entity
    held_out: list[list[int]] = field(default_factory=list)  # per entity: its held-out phrases; with any, it trains no type
    names: dict[str, int] = field(default_factory=dict)  # words joined by blanks -> entity, unambiguous ones
    first: dict[str, int] = field(default_factory=dict)  # first word -> most words a name beginning so has
    titles: dict[str, int] = field(default_factory=dict)  # article title -> entity
    people: set[int] = field(default_factory=set)
    listed: set[int] = field(default_factory=set)  # entities of the lists, whose lower-case names are surely names
    heads: frozenset[str] = frozenset()  # the nouns that are types
    nouns: frozenset[str] = frozenset()  # the nouns of the text
    first_noun: int = 0  # what text calls something ("the old bridge") counts as an entity from here on: see matching.py
    _index: dict[str, int] = field(default_factory=dict)  # phrase -> its place

    def phrase_ids(self, phrases: list[str]) -> list[int]:
        """Places in `phrases`, new ones at its end."""
        for phrase in phrases:
            if phrase not in self._index:
                self._index[phrase] = len(self.phrases)
                self.phrases.append(phrase)
        return [self._index[phrase] for phrase in dict.fromkeys(phrases)]

    def add(self, name: str, own: list[str], broad: list[str], description: str = "") -> int:
        self.name.append(name)
        self.held_out.append(self.phrase_ids([p for p in own + broad if held_out_endings(p)]))
        own = [p for p in own if not held_out_endings(p)]
        self.own.append(self.phrase_ids(own))
        self.broad.append(self.phrase_ids([p for p in broad if p not in own and not held_out_endings(p)]))
        self.described.append(self.phrase_ids([description]) if description and not tells_held_out(description) else [])
        return len(self.own) - 1

    def held_out_types(self, entity: int) -> set[str]:
        """The held-out types that an entity is of."""
        return {name for phrase in self.held_out[entity] for name in held_out_endings(self.phrases[phrase])}
