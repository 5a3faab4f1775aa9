"""python -m training STAGE …: see README.md."""

import argparse
import json
from pathlib import Path

import torch

from . import benchmark, heads, recipe, study, uncut
from .corpus import articles, sentences, shards
from .dataset import Dataset
from .evaluate import MULTICONER_NAMES, Folder, evaluate_conll, float_reader, invariance, speed, thresholds
from .fixture import write_fixture

STUDIES = {"benchmark": benchmark.run, "study": study.run, "heads": heads.run, "uncut": uncut.run}


def sample(data: Path, count: int) -> list[str]:
    """Sentences of the last corpus file, which trains nothing."""
    found: list[str] = []
    for article in articles(shards(data)[-1]):
        found += [sentence for sentence in sentences(article.text)[1:3] if len(sentence) < 400]
        if len(found) >= count:
            break
    return found[:count]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description="Makes the bundled model from raw text.")
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, summary in (
        ("make", "everything: raw text to model folder; continues where it was stopped"),
        ("export", "a model folder from the newest checkpoint"),
        ("evaluate", "R-Precision and detection of a model folder on MultiCoNER 2 English"),
        ("thresholds", "the detector of a model folder on held-out silver, at several thresholds"),
        ("check", "batch invariance and speed of a model folder"),
        ("fixture", "the tests' tiny model with random weights"),
        ("benchmark", "zero-shot silver documents as JSON Lines, for eval silver"),
        ("study", "every block, tensor and pooling of the uncut model"),
        ("heads", "heads over the frozen encoder, and the sentence head, a baseline"),
        ("uncut", "the whole encoder as float32 ONNX, for ner-retriever study"),
    ):
        stage = stages.add_parser(name, help=summary)
        stage.add_argument("--data", type=Path, required=True, help="the data folder")
        if name in ("make", "export", "thresholds", *STUDIES):
            stage.add_argument("--work", type=Path, required=True, help="where caches and checkpoints lie")
        if name in ("make", "export", *STUDIES):
            stage.add_argument("--smoke", action="store_true", help="a small configuration that runs in minutes")
        if name == "make":
            stage.add_argument("--device", default="cpu", help="where to train: cpu, or cuda")
            stage.add_argument(
                "--minutes", type=float, default=float("inf"), help="train no longer than this; then give the command again"
            )
        if name in ("make", "export"):
            stage.add_argument("--threshold", type=float, default=recipe.THRESHOLD, help="the detector's, chosen on silver")
        if name in ("make", "export", "fixture"):
            stage.add_argument("--out", type=Path, required=True, help="the model folder to write")
        elif name in STUDIES:
            stage.add_argument("--out", type=Path, required=True, help="the file to write; of heads and uncut, the folder")
        else:
            stage.add_argument("--model", type=Path, required=True, help="the model folder to measure")
        if name == "evaluate":
            stage.add_argument("--float", type=Path, metavar="WORK", help="read with that folder's float32 checkpoint instead")
    arguments = parser.parse_args()

    if arguments.stage == "fixture":
        write_fixture(arguments.data, arguments.out)
    elif arguments.stage in ("make", "export", *STUDIES):
        work = recipe.Work(recipe.SMOKE if arguments.smoke else recipe.FULL, arguments.data, arguments.work)
        if arguments.stage == "make" and not work.train(torch.device(arguments.device), arguments.minutes):
            raise SystemExit("Stopped before the end, as --minutes asked. The same command goes on from here.")
        if arguments.stage in STUDIES:
            STUDIES[arguments.stage](work, arguments.out)
        else:
            work.export(arguments.out, arguments.threshold)
    elif arguments.stage == "evaluate":
        files = sorted((arguments.data / "multiconer2-en").glob("*.conll"))
        model = Folder(arguments.model)
        if arguments.float:
            model.read = float_reader(recipe.load_checkpoint(arguments.float).encoder)
        print(json.dumps(evaluate_conll(model, files, MULTICONER_NAMES), indent=2))
    elif arguments.stage == "thresholds":
        for row in thresholds(Folder(arguments.model), Dataset.load(arguments.work / "validation.npz")):
            print(json.dumps(row))
    else:
        model, texts = Folder(arguments.model), sample(arguments.data, 1_000)
        print(json.dumps({**invariance(model, texts), "tokens_per_second_one_thread": round(speed(model, texts))}, indent=2))


if __name__ == "__main__":
    main()
