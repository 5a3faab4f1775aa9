#pragma once

#include <optional>

#include "mapped_segment.h"

namespace ner_retriever {

// Whether the bytes of blocks are what ner_pack_rows made: NER_DAMAGED and `fault` where they are not.
//
// `segment` has mapped them, as its last rows: rows [first_row, …). Its `rows`, `blocks` and `longest` are those of the
// blocks before, and so is `last_document`, that of the segment before where the segment is new; null where there is
// none. `new_documents`: how many documents begin in the blocks.
ner_status check_blocks(ner_precision precision, size_t dimensions, const MappedSegment &segment,
                        const std::vector<SegmentBlock> &blocks, std::optional<uint32_t> last_document,
                        unsigned threads, size_t *new_documents, FileFault *fault);

}  // namespace ner_retriever
