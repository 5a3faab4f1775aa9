"""Makes the *.faiss files and answers.json: small indexes of the faiss-cpu wheel and what it finds in them. Needs faiss-cpu; run it in this folder."""

import json

import faiss
import numpy as np

DIMENSIONS, ROWS, QUERIES, LIMIT = 8, 120, 5, 6
# Factory string -> what each search asks for, in this project's names. Every index is searched as its file says, too.
KINDS = {
    "Flat": [],
    "SQ8": [],
    "HNSW4": [{"efSearch": 8}, {"efSearch": 120}],
    "IVF4,Flat": [{"nprobe": 2}, {"nprobe": 4}],
    "IVF4,SQ8": [{"nprobe": 2}, {"nprobe": 4}],
    "IVF4,PQ4x4np,RFlat": [{"nprobe": 2, "refineFactor": 2}, {"nprobe": 4, "refineFactor": 20}],
    "IVF4,PQ4x4fs,RFlat": [{"nprobe": 2, "refineFactor": 2}, {"nprobe": 4, "refineFactor": 20}],
    "RR8,IVF4,PQ4x4fs,RFlat": [{"nprobe": 4, "refineFactor": 20}],
}


def search_parameters(index, asked):
    if not asked:
        return None
    if "efSearch" in asked:
        return faiss.SearchParametersHNSW(efSearch=asked["efSearch"])
    lists = faiss.SearchParametersIVF(nprobe=asked["nprobe"])
    if "refineFactor" not in asked:
        return lists
    base = faiss.downcast_index(faiss.downcast_index(index).base_index)
    if isinstance(base, faiss.IndexPreTransform):
        lists = faiss.SearchParametersPreTransform(index_params=lists)
    return faiss.IndexRefineSearchParameters(k_factor=asked["refineFactor"], base_index_params=lists)


random = np.random.default_rng(7)
centres = random.normal(size=(12, DIMENSIONS))
vectors = centres[random.integers(12, size=ROWS + QUERIES)] + 0.4 * random.normal(size=(ROWS + QUERIES, DIMENSIONS))
vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
rows, queries = vectors[:ROWS], vectors[ROWS:]

answers = []
for factory, searches in KINDS.items():
    index = faiss.index_factory(DIMENSIONS, factory, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    file = factory.replace(",", "-") + ".faiss"
    faiss.write_index(index, file)
    found = []
    for asked in [{}, *searches]:
        scores, labels = index.search(queries, LIMIT, params=search_parameters(index, asked))
        found.append({"parameters": asked, "rows": labels.tolist(), "scores": np.float64(scores).round(6).tolist()})
    answers.append({"file": file, "factory": factory, "searches": found})

# What must be refused: the distance of another metric.
faiss.write_index(faiss.index_factory(DIMENSIONS, "HNSW4", faiss.METRIC_L2), "l2.faiss")

said = {"faiss": faiss.__version__, "dimensions": DIMENSIONS, "limit": LIMIT, "queries": queries.tolist(), "indexes": answers}
with open("answers.json", "w", encoding="utf-8") as out:
    json.dump(said, out, separators=(",", ":"), allow_nan=False)
    out.write("\n")
