"""Broader types: what a village, a film or a club is besides.

Two sources, both generic: TypeNet's hierarchy (Freebase types under WordNet synsets), reached by a type's own name, and
FIGER's types of Wikipedia titles, which tell what most entities of a type are ("footballer" -> athlete, person).
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

# Names that say nothing about an entity.
_ABSTRACT = frozenset(
    "entity,physical entity,object,whole,abstraction,matter,psychological feature,attribute,relation,causal agent,unit,group,"
    "thing,state,act,activity,cognition,content,concept,idea,kind,category,property,quality,measure,part,social group,collection,"
    "arrangement,cause,status,standing,condition,topic,message,communication,happening,process,physical process,change,"
    "artifact,instrumentality,natural object,domesticated,title".split(",")
)


def _name(node: str) -> str:
    node = node.strip()
    synset = re.match(r"Synset\('(.+)\.[nvasr]\.\d+'\)", node)
    return (synset.group(1) if synset else node.rsplit("/", 1)[-1]).replace("_", " ").lower()


class TypeNet:
    """Names to the names above them."""

    def __init__(self, data: Path):
        parents: dict[str, set[str]] = defaultdict(set)
        for line in (data / "typenet" / "typenet_structure.txt").read_text(encoding="utf-8").splitlines():
            if " -> " in line:
                child, parent = (part.strip() for part in line.split(" -> "))
                parents[child].add(parent)
        self._parents = parents
        named: dict[str, list[str]] = defaultdict(list)
        for node in parents:
            named[_name(node)].append(node)
        self._named = {name: min(nodes, key=_preference) for name, nodes in named.items()}

    def is_freebase(self, name: str) -> bool:
        return self._named.get(name, "").startswith("/")

    def broader(self, name: str, levels: int = 3) -> list[str]:
        """Up to `levels` levels of names above a name, the nearest first; nothing for an unknown name."""
        node, found = self._named.get(name), []
        level = [node] if node else []
        for _ in range(levels):
            level = sorted({parent for node in level for parent in self._parents.get(node, ())})
            found += [_name(node) for node in level]
        return [name_above for name_above in dict.fromkeys(found) if name_above != name and name_above not in _ABSTRACT]


def _preference(node: str) -> tuple:
    """Freebase's chief type of a domain (/film/film) first, then its other types, then WordNet by sense."""
    if node.startswith("/"):
        domain, name = node.strip("/").split("/")[-2:]
        return (0 if domain == name else 1, node)
    return (2, int(re.search(r"\.(\d+)'", node).group(1)), node)


_FIGER_NAMES = {
    "art": "work of art",
    "living_thing": "living thing",
    "livingthing-animal": "animal",
    "building": "building",
}


def figer_types(data: Path) -> dict[str, list[str]]:
    """Wikipedia titles to FIGER type names, parents included: "location-body_of_water" -> "body of water", "location"."""
    table = {}
    for part in ("dev", "test"):
        lines = (data / "figer-entities" / f"{part}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        for line in lines:
            _, title, types = line.split("\t")
            table[title] = sorted({_FIGER_NAMES.get(t, t.rsplit("-", 1)[-1].replace("_", " ")) for t in types.split(",")})
    return table


def usual_types(typed: list[tuple[list[str], list[str]]], share: float = 0.6, support: int = 4) -> dict[str, list[str]]:
    """The FIGER types most entities with a phrase have. `typed`: for each entity its lead phrases and its FIGER types."""
    phrases, pairs = Counter(), Counter()
    for own, broad in typed:
        phrases.update(own)
        pairs.update((phrase, name) for phrase in own for name in broad)
    usual = defaultdict(list)
    for (phrase, name), count in pairs.items():
        if phrases[phrase] >= support and count >= share * phrases[phrase] and name != phrase:
            usual[phrase].append(name)
    return dict(usual)
