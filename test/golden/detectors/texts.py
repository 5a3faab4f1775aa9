"""What the generators here share: the texts, and offsets as JavaScript counts them."""

TEXTS = [
    "Xu Xing described Microraptor gui from Liaoning in 2003.",
    "Angela Merkel met Barack Obama in Berlin, and Joe Biden in Washington.",
    "The Rolling Stones released Paint It Black in the United Kingdom.",
    "Zoë Kravitz and Björk Guðmundsdóttir sang in Malmö",
    "😀 Marie Curie 👩‍🔬 won the Nobel Prize (1903) with Pierre Curie 😀 in Paris.",
    "dinosaur",
    "In Tokyo the Toyota Motor Corporation builds the Corolla; Honda Motor builds the Civic.",
    "Mr. O'Brien of St. Paul's read well-known books by J. R. R. Tolkien!",
    "東京 tower stands in Japan\nand مرحبا means hello\tin Cairo",
    "  Amazon   river runs through Brazil and Peru   ",
]

# Sixty words or so: more than any of the fixtures takes at once.
LONG = " ".join(text.strip() for text in TEXTS[:4] + TEXTS[6:8])


def utf16(text: str, code_points: int) -> int:
    return len(text[:code_points].encode("utf-16-le")) // 2
