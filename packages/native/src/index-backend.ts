/** `exact`: this package's own scan. `faiss`: FAISS's IndexFlatIP, where it can be loaded (see `info().faiss`). */
export type IndexBackend = 'exact' | 'faiss';
