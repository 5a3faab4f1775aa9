#include "sort_keys.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "run_on_threads.h"

namespace ner_retriever {

namespace {
// Keys below which a second thread costs more than it brings.
constexpr size_t keys_for_a_thread = 1 << 14;
}  // namespace

void sort_keys(uint64_t *keys, size_t count, unsigned threads) {
  const size_t parts = std::min<size_t>(std::max(threads, 1u), count / keys_for_a_thread + 1);
  std::vector<uint64_t *> cuts;
  for (size_t part = 0; part <= parts; ++part) cuts.push_back(keys + count * part / parts);
  run_on_threads(parts, [&](size_t part) { std::sort(cuts[part], cuts[part + 1], std::greater<>()); });
  // Neighbours are merged until one part is left.
  while (cuts.size() > 2) {
    const size_t pairs = (cuts.size() - 1) / 2;
    run_on_threads(pairs, [&](size_t pair) {
      std::inplace_merge(cuts[2 * pair], cuts[2 * pair + 1], cuts[2 * pair + 2], std::greater<>());
    });
    for (size_t pair = pairs; pair-- > 0;) cuts.erase(cuts.begin() + static_cast<std::ptrdiff_t>(2 * pair + 1));
  }
}

}  // namespace ner_retriever
