// The storage as it is built, with the parts that the package keeps to itself: these tests look beneath the retriever.

export { buildApproximateIndex } from '../../packages/core/dist/index/approximate/approximate-index.js';
export { Catalog } from '../../packages/core/dist/index/catalog/catalog.js';
export { IndexFolder } from '../../packages/core/dist/index/index-folder.js';
export { SegmentWriter } from '../../packages/core/dist/index/segments/segment-writer.js';
export { NerRetrieverError, verifyIndex } from '../../packages/core/dist/index.js';
export { Searcher } from '../../packages/core/dist/search/searcher.js';
export { parseWhere } from '../../packages/core/dist/search/where/parse-where.js';
