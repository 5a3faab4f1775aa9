"""The entity lists: which of them name entities, and of what type. The broader types are TypeNet's and FIGER's words."""

import json
from pathlib import Path

LISTS = {
    "animals/ant_anatomy": ["body part", "anatomical part"],
    "animals/birds_antarctica": ["bird", "animal"],
    "animals/birds_north_america": ["bird", "animal"],
    "animals/cats": ["cat breed", "breed", "animal"],
    "animals/common": ["animal", "living thing"],
    "animals/dinosaurs": ["dinosaur", "animal"],
    "animals/dogs": ["dog breed", "breed", "animal"],
    "animals/horses": ["horse breed", "breed", "animal"],
    "architecture/rooms": ["room"],
    "art/isms": ["art movement"],
    "books/academic_subjects": ["academic discipline", "field of study"],
    "corporations/cars": ["automobile manufacturer", "company", "organization"],
    "corporations/charities": ["charity", "organization"],
    "corporations/djia": ["company", "organization"],
    "corporations/fortune500": ["company", "organization"],
    "corporations/nasdaq": ["company", "organization"],
    "corporations/newspapers": ["newspaper", "publication"],
    "foods/breads_and_pastries": ["bread", "food"],
    "foods/condiments": ["condiment", "food"],
    "foods/curds": ["cheese", "food"],
    "foods/fish": ["fish", "food"],
    "foods/fruits": ["fruit", "food"],
    "foods/ham": ["ham", "food"],
    "foods/herbs_n_spices": ["spice", "food"],
    "foods/iba_cocktails": ["cocktail", "beverage", "drink"],
    "foods/sandwiches": ["sandwich", "dish", "food"],
    "foods/sausages": ["sausage", "food"],
    "foods/vegetables": ["vegetable", "food"],
    "geography/canadian_municipalities": ["municipality", "location"],
    "geography/countries": ["country", "location"],
    "geography/english_towns_cities": ["town", "location"],
    "geography/geographic_features": ["geographical feature"],
    "geography/japanese_prefectures": ["prefecture", "location"],
    "geography/norwegian_cities": ["city", "location"],
    "geography/oceans": ["ocean", "body of water"],
    "geography/rivers": ["river", "body of water"],
    "geography/us_state_capitals": ["city", "location"],
    "governments/uk_political_parties": ["political party", "organization"],
    "governments/us_federal_agencies": ["government agency", "organization"],
    "humans/bodyParts": ["body part", "anatomical part"],
    "humans/britishActors": ["actor", "person"],
    "humans/celebrities": ["celebrity", "person"],
    "humans/richpeople": ["businessperson", "person"],
    "humans/scientists": ["scientist", "person"],
    "humans/tolkienCharacterNames": ["fictional character"],
    "humans/us_presidents": ["president", "politician", "person"],
    "humans/wrestlers": ["professional wrestler", "wrestler", "person"],
    "materials/abridged-body-fluids": ["body fluid"],
    "materials/building-materials": ["building material", "material"],
    "materials/decorative-stones": ["stone", "material"],
    "materials/fabrics": ["fabric", "textile", "material"],
    "materials/fibers": ["fiber", "material"],
    "materials/gemstones": ["gemstone", "mineral"],
    "materials/metals": ["metal", "chemical element"],
    "medicine/cancer": ["cancer", "disease"],
    "medicine/diseases": ["disease"],
    "medicine/drugs": ["drug", "medication", "medicine"],
    "medicine/hospitals": ["hospital", "medical institution"],
    "medicine/infectious_diseases": ["infectious disease", "disease"],
    "medicine/symptoms": ["symptom"],
    "music/a_list_of_guitar_manufacturers": ["guitar manufacturer", "company", "organization"],
    "music/genres": ["music genre"],
    "music/instruments": ["musical instrument", "instrument"],
    "music/rock_hall_of_fame": ["musician", "artist"],
    "mythology/greek_gods": ["greek deity", "deity", "god"],
    "mythology/greek_monsters": ["monster", "mythical creature"],
    "mythology/monsters": ["monster", "mythical creature"],
    "mythology/norse_gods": ["norse deity", "deity", "god"],
    "mythology/roman_deities": ["roman deity", "deity", "god"],
    "objects/clothing": ["clothing", "garment", "item of clothing"],
    "objects/containers": ["container"],
    "objects/premodern_weapons": ["weapon"],
    "plants/flowers": ["flower", "plant"],
    "plants/plants": ["plant"],
    "religion/christian_saints": ["saint", "person"],
    "religion/religions": ["religion"],
    "science/elements": ["chemical element"],
    "science/minor_planets": ["minor planet", "celestial object"],
    "science/planets": ["planet", "celestial object"],
    "science/toxic_chemicals": ["chemical", "chemical compound"],
    "sports/football/epl_teams": ["football club", "sports team"],
    "sports/football/laliga_teams": ["football club", "sports team"],
    "sports/football/serieA": ["football club", "sports team"],
    "sports/mlb_teams": ["baseball team", "sports team"],
    "sports/nba_teams": ["basketball team", "sports team"],
    "sports/nfl_teams": ["american football team", "sports team"],
    "sports/nhl_teams": ["ice hockey team", "sports team"],
    "sports/sports": ["sport"],
    "technology/appliances": ["home appliance", "appliance", "device"],
    "technology/programming_languages": ["programming language"],
    "technology/social_networking_websites": ["social networking website", "website"],
    "transportation/launchVehicleList": ["launch vehicle", "rocket", "vehicle"],
}
_NO_NAMES = frozenset("description source notes credit url symbol type phase".split())


def _names(content: object) -> list[str]:
    """The names in a list's JSON: plain strings in lists, and of records the value under "name"."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        return [name for item in content for name in _names(item)]
    if isinstance(content, dict):
        for key in ("name", "title"):
            if isinstance(content.get(key), str):
                return [content[key]]
        return [
            name
            for key, value in content.items()
            if key.lower() not in _NO_NAMES and not isinstance(value, str)
            for name in _names(value)
        ]
    return []


def listed_entities(data: Path) -> dict[str, list[str]]:
    """Names to their types; a name in several lists has the types of all."""
    table: dict[str, list[str]] = {}
    for file, types in LISTS.items():
        content = json.loads((data / "entity-lists" / f"{file}.json").read_text(encoding="utf-8"))
        for name in _names(content):
            name = name.strip()
            if 3 <= len(name) <= 60:
                table[name] = list(dict.fromkeys([*table.get(name, []), *types]))
    return table
