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
    "artifact,instrumentality,natural object,domesticated,title,dated location,statistical region,project focus,focus,"
    "concentration,business operation,diversion,feature,channel,solid,auditory communication,pathological state,ill health,"
    "communicator,commercial enterprise,employer,creation,work,contestant,nutrient,pro athlete,way,enterprise,field,"
    "artificial language,social event,performer,creator".split(",")
)


# Words for what a thing is besides, as catalogues and knowledge bases use them, for frequent nouns that no source above covers.
_WIDER = {
    "visual work": "film movie documentary miniseries sitcom telenovela cartoon anime painting drawing photograph sculpture "
    "television program television_series television_show tv_series short_film animated_film",
    "audiovisual work": "film movie documentary sitcom telenovela television_series television_show",
    "motion picture": "film movie documentary short_film feature_film",
    "creative work": "film novel song album book poem painting sculpture play comic manga video_game television_series",
    "work of art": "painting sculpture statue fresco mural portrait engraving drawing mosaic altarpiece installation",
    "artwork": "painting sculpture statue fresco mural portrait engraving drawing mosaic altarpiece installation",
    "written work": "novel book poem play essay story novella anthology memoir autobiography biography treatise manuscript "
    "magazine newspaper journal periodical encyclopedia dictionary article manga comic short_story",
    "literary work": "novel poem play essay novella story short_story",
    "publication": "book magazine newspaper journal periodical encyclopedia",
    "musical work": "song album single symphony ballad hymn anthem suite concerto sonata composition waltz soundtrack aria",
    "piece of music": "song symphony concerto sonata hymn suite waltz",
    "human settlement": "village town city hamlet municipality commune suburb settlement moshav borough locality community",
    "populated place": "village town city hamlet municipality suburb settlement census-designated_place",
    "geographic location": "mountain river lake valley hill bay island cape glacier region desert",
    "facility": "stadium arena airport museum library hospital hotel theatre theater school station bridge lighthouse dam venue "
    "factory cemetery skyscraper mall casino power_station",
    "building": "house church hotel skyscraper mansion cathedral palace temple synagogue farmhouse courthouse tower",
    "transport facility": "station airport port terminal railway_station",
    "station": "railway_station metro_station train_station subway_station",
    "musical group": "band orchestra choir duo quartet supergroup girl_group boy_band",
    "musical ensemble": "band orchestra choir quartet",
    "sports team": "franchise club football_club basketball_team baseball_team football_team hockey_team",
    "business": "company firm corporation manufacturer retailer bank airline publisher brewery conglomerate",
    "corporation": "company conglomerate manufacturer airline retailer",
    "organisation": "company union association society institution agency party charity foundation club federation",
    "organization": "company union association society institution agency party charity foundation club federation",
    "automaker": "automobile_manufacturer car_manufacturer automotive_manufacturer car_company",
    "car manufacturer": "automobile_manufacturer automotive_manufacturer automaker",
    "aircraft manufacturer": "aerospace_company aerospace_manufacturer aircraft_company",
    "aerospace company": "aerospace_manufacturer aircraft_manufacturer",
    "vehicle": "car automobile truck motorcycle ship aircraft locomotive tank submarine bus boat helicopter yacht tractor",
    "means of transport": "car truck motorcycle ship aircraft locomotive bus helicopter train",
    "cleric": "priest bishop archbishop cardinal clergyman pastor rabbi abbot monk missionary prelate preacher imam pope",
    "member of the clergy": "priest bishop archbishop cardinal clergyman pastor abbot",
    "religious leader": "priest bishop archbishop cardinal rabbi imam pope abbot missionary",
    "entertainer": "actor actress singer comedian dancer rapper magician presenter",
    "musician": "singer guitarist pianist drummer bassist composer vocalist rapper saxophonist cellist organist songwriter",
    "performing artist": "actor actress singer dancer comedian musician",
    "artist": "painter sculptor singer musician composer actor actress illustrator photographer poet writer",
    "sportsperson": "footballer player cricketer swimmer wrestler boxer pitcher cyclist rower golfer athlete",
    "athlete": "footballer player cricketer swimmer wrestler boxer pitcher cyclist rower golfer sprinter",
    "sports coach": "coach football_coach basketball_coach football_manager head_coach",
    "scientist": "physicist chemist biologist mathematician zoologist geologist psychologist economist entomologist engineer",
    "researcher": "physicist chemist biologist mathematician geologist psychologist economist historian linguist",
    "public figure": "politician statesman president minister senator governor",
    "politician": "statesman senator governor minister president chancellor congressman",
    "head of state": "president king queen emperor monarch",
    "product": "car camera computer smartphone console video_game soft_drink",
    "computer program": "website application browser game operating_system video_game programming_language",
    "medicine": "drug antibiotic vaccine medication prescription_drug",
    "medication": "drug antibiotic vaccine prescription_drug",
    "medical condition": "disease disorder syndrome infection cancer injury symptom",
    "illness": "disease disorder syndrome infection",
    "medical treatment": "surgery therapy transplant medical_procedure surgical_procedure",
    "body part": "organ bone muscle gland nerve artery vein joint tissue ligament",
    "anatomical structure": "organ bone muscle gland nerve artery vein joint tissue ligament",
    "item of clothing": "garment dress hat shoe coat trousers skirt shirt jacket",
    "foodstuff": "dish dessert cheese soup bread sauce fruit vegetable cake sausage",
    "beverage": "drink wine beer cocktail tea liqueur juice soft_drink",
    "alcoholic beverage": "wine beer cocktail liqueur whisky spirit",
    "living organism": "species genus plant bird fish mammal tree insect",
}
_ABOVE: dict[str, list[str]] = defaultdict(list)
for _wide, _narrow in _WIDER.items():
    for _phrase in _narrow.split():
        _ABOVE[_phrase.replace("_", " ")].append(_wide)


def wider(phrase: str) -> list[str]:
    """The catalogues' words for the longest known ending of a phrase, nearest first."""
    words = phrase.split()
    return next((_ABOVE[end] for i in range(len(words)) if (end := " ".join(words[i:])) in _ABOVE), [])


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


_FIGER_WRONG = "location-cemetery"  # where somebody lies buried: cities, mostly
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
            table[title] = sorted(
                {_FIGER_NAMES.get(t, t.rsplit("-", 1)[-1].replace("_", " ")) for t in types.split(",") if t != _FIGER_WRONG}
            )
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
