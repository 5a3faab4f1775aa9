"""The faiss-cpu side of approximate.mjs: the same vectors, factory strings and settings. Reads the folder that it is given; prints a line of JSON an index."""

import json
import os
import sys
import time
from pathlib import Path

import faiss
import numpy as np

folder = Path(sys.argv[1])
facts = json.loads((folder / "facts.json").read_text())
dimensions, limit = facts["dimensions"], facts["limit"]
faiss.omp_set_num_threads(facts["threads"])
rows = np.fromfile(folder / "rows.f32", np.float32).reshape(-1, dimensions)
queries = np.fromfile(folder / "queries.f32", np.float32).reshape(-1, dimensions)
exact = np.fromfile(folder / "exact.u32", np.uint32).reshape(-1, limit)
space = faiss.ParameterSpace()


def recall(index) -> float:
    found = index.search(queries, limit)[1]
    return float(np.mean([len(set(a) & set(b)) / limit for a, b in zip(found.tolist(), exact.tolist())]))


def queries_a_second(index, together: int, count: int) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for first in range(0, count, together):
            index.search(queries[first : first + together], limit)
        best = min(best, time.perf_counter() - started)
    return count / best


for kind in facts["kinds"]:
    factory, parameter = kind["factory"], kind["parameter"]
    index = faiss.index_factory(dimensions, factory, faiss.METRIC_INNER_PRODUCT)
    started = time.perf_counter()
    index.train(rows[: facts["trainedOn"]])
    index.add(rows)
    build_seconds = time.perf_counter() - started
    if "refineFactor" in kind:
        space.set_index_parameter(index, "k_factor_rf", kind["refineFactor"])
    for setting in facts["ladders"][parameter]:
        space.set_index_parameter(index, parameter, setting)
        reached = recall(index)
        if reached >= facts["wantedRecall"]:
            break
    file = str(folder / "index.python.faiss")
    faiss.write_index(index, file)
    result = {
        "name": f"faiss-cpu {faiss.__version__} {factory}",
        "setting": f"{parameter} {setting}",
        "recall": reached,
        "buildSeconds": build_seconds,
        "single": queries_a_second(index, 1, 400),
        "batched": queries_a_second(index, 64, 960),
        "bytes": os.path.getsize(file),
    }
    print(json.dumps(result), flush=True)
