"""python -m training STAGE --data DIR: see README.md."""

import argparse
from pathlib import Path

from .fixture import write_fixture


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description="Makes the bundled model from raw text.")
    stages = parser.add_subparsers(dest="stage", required=True)
    fixture = stages.add_parser("fixture", help="the tests' tiny model with random weights")
    fixture.add_argument("--data", type=Path, required=True, help="the data folder")
    fixture.add_argument("--out", type=Path, required=True, help="the model folder to write")
    arguments = parser.parse_args()
    write_fixture(arguments.data, arguments.out)


if __name__ == "__main__":
    main()
