"""The stages from raw text to the model folder; each leaves its result in the work folder and is skipped when it is there."""

import pickle
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from . import dataset, embeddings, matching, silver
from .dataset import Dataset
from .encoder import Model, Shape
from .entities import Entities
from .folder import write_folder
from .tokenizer import train_tokenizer
from .train import Schedule, Trainer, Types, Validation

LICENCE = "MIT AND CC-BY-SA-3.0"  # the recipe and weights; the text they come from
VALIDATION_TEXTS = 6_000
CPU = torch.device("cpu")
THRESHOLD = 0.4  # near the best F1 on held-out silver, on the side of recall: silver does not know every name
# Where a type ends in a ranking: docs/cut-off.md says what the constants are and how they were fitted, to the shipped model's
# scores on silver paragraphs of types that trained it. Weights that are trained anew want them fitted anew.
CUT_OFF = {"intercept": -10, "scoreWeight": 18.7, "backgroundWeight": 4, "typeShare": 0.0067, "typeShareWeight": 0.34}


@dataclass(frozen=True)
class Recipe:
    """What distinguishes the shipped model from the smoke run."""

    pieces: int  # of the vocabulary
    tokenizer_articles: int  # of each corpus file
    contexts: int  # context pieces of the embeddings' start
    files: int  # corpus files read; the last of them is the validation's
    texts: int  # training texts kept
    shape: dict
    schedule: Schedule
    cut_off: dict[str, float] | None


FULL = Recipe(
    pieces=32_000,
    tokenizer_articles=9_000,
    contexts=6_000,
    files=12,
    texts=900_000,
    shape={"width": 384, "heads": 6, "feed_forward": 1536},
    schedule=Schedule(pieces=31_000_000),
    cut_off=CUT_OFF,
)
SMOKE = Recipe(
    pieces=8_000,
    tokenizer_articles=1_000,
    contexts=1_000,
    files=2,
    texts=20_000,
    shape={"width": 64, "feed_forward": 128, "blocks": 3, "tap": 1, "head_hidden": 96, "head_out": 64},
    schedule=Schedule(pieces=400_000, warm_up=60_000),
    cut_off=None,
)


def load_checkpoint(folder: Path) -> Model:
    """The uncut float32 model of a work folder."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    model = Model(Shape(**state["shape"]))
    model.load_state_dict(state["model"])
    return model


class Work:
    """The stages of one recipe in one folder."""

    def __init__(self, recipe: Recipe, data: Path, folder: Path):
        self.recipe, self.data, self.folder = recipe, data, folder
        folder.mkdir(parents=True, exist_ok=True)

    def tokenizer(self) -> Tokenizer:
        file = self.folder / "tokenizer.json"
        if not file.exists():
            train_tokenizer(self.data, self.recipe.pieces, self.recipe.tokenizer_articles).save(str(file))
        return Tokenizer.from_file(str(file))

    def embeddings(self, width: int) -> np.ndarray:
        self.tokenizer()
        file = self.folder / "embeddings.npy"
        if not file.exists():
            counts = embeddings.count_neighbours(
                self.data, self.folder / "tokenizer.json", self.recipe.contexts, 4, self.recipe.files
            )
            np.save(file, embeddings.factorise(counts, width))
        return np.load(file)

    def silver(self) -> tuple[Entities, np.ndarray, Dataset, Dataset]:
        """The entities, which of them train types, training texts, validation texts."""
        files = [self.folder / name for name in ("entities.pkl", "train.npz", "validation.npz")]
        if not all(file.exists() for file in files):
            entities = silver.collect_entities(self.data, self.recipe.files)
            units = matching.match_units(self.data, entities, self.recipe.files)
            train = dataset.trainable(entities)
            asked = {entity for entity, held_out in enumerate(entities.held_out) if held_out}
            last = self.recipe.files - 1
            held_out = [
                unit._replace(nouns=[])
                for unit in units
                if unit.file == last and not unit.lead and any(e >= 0 and not train[e] for *_, e in unit.spans)
            ]
            random.Random(0).shuffle(held_out)
            tokenizer, longest = self.tokenizer(), Shape(pieces=0).tokens
            dataset.tokenise(held_out[:VALIDATION_TEXTS], tokenizer, entities, longest).save(files[2])
            # Texts that mention what a held-out type asks for train nothing at all, the language model included.
            usable = [u for u in units if u.file < last and not any(entity in asked for *_, entity in u.spans)]
            chosen = dataset.select(usable, entities, train, self.recipe.texts, seed=0)
            dataset.tokenise(chosen, tokenizer, entities, longest).save(files[1])
            entities.names.clear()  # they have done their work, and are most of the size
            files[0].write_bytes(pickle.dumps((entities, train)))
        return (*pickle.loads(files[0].read_bytes()), Dataset.load(files[1]), Dataset.load(files[2]))

    def trainer(self, device: torch.device = CPU) -> Trainer:
        entities, train, data, validation = self.silver()
        tokenizer = self.tokenizer()
        shape = Shape(pieces=tokenizer.get_vocab_size(), **self.recipe.shape)
        trainer = Trainer(
            shape,
            self.recipe.schedule,
            self.embeddings(shape.width),
            Types(entities, train, tokenizer),
            data,
            Validation(validation, entities, tokenizer),
            self.folder,
            device,
        )
        if trainer.checkpoint.exists():
            trainer.resume()
        return trainer

    def train(self, device: torch.device = CPU, minutes: float = float("inf")) -> bool:
        """Whether the run came to its end; otherwise the next call goes on from where this one stopped."""
        if device == CPU:
            torch.set_num_threads(2)
        trainer = self.trainer(device)
        trainer.run(minutes)
        return trainer.seen >= trainer.schedule.pieces

    def export(self, out: Path, threshold: float) -> None:
        """The model folder; activations are calibrated on training texts of every length."""
        data = Dataset.load(self.folder / "train.npz")
        lengths = data.lengths()
        chosen = np.random.default_rng(1).permutation(len(lengths))[:1_500]
        calibration = []
        for length in np.unique(lengths[chosen]):
            rows = chosen[lengths[chosen] == length]
            calibration.append(torch.from_numpy(data.pieces[data.starts[rows][:, None] + np.arange(length)].astype(np.int64)))
        write_folder(
            out,
            load_checkpoint(self.folder),
            self.tokenizer(),
            calibration,
            name="ner-retriever-en",
            licence=LICENCE,
            threshold=threshold,
            cut_off=self.recipe.cut_off,
        )
