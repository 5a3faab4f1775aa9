"""Which nouns are types of things with names, and which of them train nothing.

Lead sentences end in many a word that is no type ("the largest", "an approach"): those are named here, by hand, once, from
the list of all heads that are frequent enough.
"""

from collections import Counter

from .hearst import singular

MINIMUM = 8  # entities a head noun must have to count as a type

NO_TYPES = frozenset(
    """
    ability account accident acronym act action active activity adaptation addition adjacent administration
    administrative age alias alternative amount analog analysis annual appearing application approach area argument
    arrangement article aspect attempt attraction background base better biting biological black block bodies body box
    branch branches break capable career case category change characteristic chart chosen chronology citizen class
    classification close cluster collaboration collegiate coeducational color combination coming common communication
    comparison competing component comprehensive condition connection constant constructed construction content control
    copy course covering creation credited cultural current cycle data date day dealing debut decade decision
    degree depression derivative derived description designation development difference discography display distance
    distribution divine domain early economic economy edition educational effect effort eighth element elements end
    energy engagement entity entry environment equivalent establishment ever example exercise existing expert exploration
    exponent expression extension extinct fact faction feature female feminine fictional fifth fighting figure final fire
    flat focusing form format forms foundations framework free frequency function future gauge generalization generation
    good ground group grouping groups grown growing hailing half head height high historic historical history home honor
    idea image implementation important increase independent individual industrial influential information initiative
    installment instance instruction interaction international interpretation interval issue item just large larger later
    latter layer leading legal length level licensed lifestyle light line lines listing local location long loss lying
    major male management mark marketing masculine match meaning means measure measurement measures member members men
    mentioned method methodology middle miles mission mixture mode modification moment more mother multiple names
    national nature naval neologism next ninth nominations nominee noted notable noun number object occurrence offering
    once online open operation organized others overall owner pair part participant partner passenger past pattern
    people perhaps period phase phenomenon physical piece place plate point popular portion position potent power practice
    prefix premiered present presentation press primary principal principle private procedure process product production
    profession project prominent property proponent proposal proposed prototype provider pseudonym public purpose
    qualification quality quarter question range rank rare rate ratio reader reason recipient record reference referring
    regarded regional register regular related relating relation relations relationship release religious removal
    report representation representative research resident residential residing resource result resulting results right
    rights rise rising role round rule rural sale sample scale scene schedules scheme scientific seat second secondary
    section selective sense sequence series served service services set setting seventh shape shot shown side sign
    signal similar simple singles situation small social sold solution sometimes sort sound source space special specialising
    specialty specification speech stage staging standard state statement status step stop strategy strip style subgroup
    subject subset successor sum summit supplement support supporter surface surname survivor symbol system taxonomic
    technique tenth terminus test the theme thing thought time timeline together topic tradition transmission transport two
    type types undertaken uninhabited use user value variant variation version view volume way well winner women
    won work worker works world worn year better leap
    northeast northwest southeast southwest north south east west premiere
    boys girls girl man woman child son daughter wife husband brother sister father mother grandson widow heir heiress
    friend companion descendant fan victim enthusiast someone personality practitioner specialist contributor participant
    political military legislation first-class culture education entertainment communism
    airing training writing thinking meeting teaching
    """.split()
)
# The types that train nothing, for asking what was never taught: of all types with 25 to 400 entities, in an order that a hash
# of their names gives, those whose meaning is sharp enough for silver labels to be nearly complete (no "pioneer", no "agent") and
# that no list or hierarchy uses as a broad word (no "country": it would take too much of the world with it).
_HELD_OUT_NOUNS = """
    academy algorithm anthropologist astronomer banker biplane botanist bumblebee calligrapher camp cartridge castle cheese
    conservationist constellation constituency creek damselfish defenceman diplomat diver dramatist electorate
    ensemble episode estate explorer farm feminist galaxy goalkeeper goaltender goddess gymnast headland herb illustrator inlet
    kibbutz knot linebacker mayor midfielder monastery mosque mushroom musical naturalist neighborhood neurologist
    opera peak peninsula philanthropist philologist philosopher physician playwright printmaker prison rapper
    runner schooner shortstop shrub skater sociologist sprinter squadron street striker
    theologian township tribe tributary tug violinist war winger
    """.split()
_HELD_OUT_COMPOUNDS = """
    archaeological site, art historian, bowl game, card game, chemical element, classical pianist, country house, defensive back,
    federal road, film producer, flying ace, ghost town, handball player, hindu temple, horse race, interchange station,
    javelin thrower, land slug, law firm, mountain range, music educator, music festival, offensive lineman, office building,
    parish church, poker player, police officer, political scientist, power plant, private university, public library,
    railway company, relief pitcher, scientific journal, shopping mall, shot putter, speedway rider, state park,
    television station, theatre director, thoroughbred racehorse, tropical cyclone, volleyball team, war film, wide receiver
    """
HELD_OUT = frozenset([*_HELD_OUT_NOUNS, *(" ".join(name.split()) for name in _HELD_OUT_COMPOUNDS.split(","))])


def held_out_endings(phrase: str) -> list[str]:
    """The held-out types a phrase ends in: all that ends so is of that type."""
    words = phrase.split()
    return [end for end in dict.fromkeys((" ".join(words[-1:]), " ".join(words[-2:]))) if end in HELD_OUT]


def tells_held_out(text: str) -> bool:
    """Whether a text has a held-out type among its words, in the singular or the plural."""
    words = text.lower().split()
    single = [singular(word) for word in words]
    pairs = (f"{a} {b}" for a, b in zip(words, single[1:]))
    return any(name in HELD_OUT for name in (*words, *single, *pairs))


def type_heads(phrases: list[set[str]]) -> frozenset[str]:
    """The nouns that count as types: frequent enough at the end of a lead phrase, not mostly names, none of NO_TYPES;
    of a noun seen in both numbers the singular. phrases: for each lead the last words of its phrases, as written."""
    lower, upper = Counter(), Counter()
    for heads in phrases:
        for head in heads:
            (lower if head.islower() else upper)[head.lower()] += 1
    kept = {
        head
        for head, count in lower.items()
        if count >= MINIMUM and 2 * count > upper[head] and head.isalpha() and len(head) > 2 and head not in NO_TYPES
    }
    return frozenset(head for head in kept if singular(head) == head or singular(head) not in kept | NO_TYPES)
