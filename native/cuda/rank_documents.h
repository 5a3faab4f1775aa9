#pragma once

#include <functional>

#include "searched_rows.h"

namespace ner_retriever::cuda {

// The keys of all documents that may be found and whose key is not below `threshold`, in no order, for one query
// (float32 and bfloat16): handed to `take` in parts, in the host's memory. planes: query_planes on the device.
void rank_documents(const SearchedRows &searched, const float *planes, Key threshold,
                    const std::function<void(const Key *keys, size_t count)> &take);

}  // namespace ner_retriever::cuda
