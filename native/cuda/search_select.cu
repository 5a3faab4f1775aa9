#include "search_select.h"

#include "device/shared_memory.cuh"
#include "device/warp.cuh"
#include "runtime/launch.h"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned threads = 1024;
constexpr uint32_t nothing = 0xffffffffu;

// The bounds go into the key by themselves where they are not exact: a row with an equal bound may be the better one.
__device__ Key lower_key(const Entry &entry, bool exact) {
  return search_key(entry.lower, entry.row) & (exact ? ~Key{0} : ~Key{0} << 32);
}

__device__ unsigned slot_of(uint32_t document, unsigned slots) { return (document * 2654435761u >> 7) & (slots - 1); }

// The best entry of each document -> table [slots], a power of two that is more than there are documents.
__device__ void keep_best_of_documents(const Entry *entries, unsigned count, uint32_t *table, unsigned slots) {
  for (unsigned slot = threadIdx.x; slot < slots; slot += threads) table[slot] = nothing;
  __syncthreads();
  for (unsigned i = threadIdx.x; i < count; i += threads) {
    const Entry mine = entries[i];
    if (mine.row == no_row) continue;
    const Key key = search_key(mine.lower, mine.row);
    unsigned slot = slot_of(mine.document, slots);
    uint32_t there = atomicCAS(table + slot, nothing, i);
    while (there != nothing) {
      const Entry other = entries[there];
      if (other.document != mine.document) {
        slot = (slot + 1) & (slots - 1);
        there = atomicCAS(table + slot, nothing, i);
        continue;
      }
      if (search_key(other.lower, other.row) > key) break;
      const uint32_t before = atomicCAS(table + slot, there, i);
      if (before == there) break;
      there = before;  // another row of the document was faster
    }
  }
  __syncthreads();
}

// The lower bound of the best entry of a document that is in the table.
__device__ uint32_t best_lower_of(uint32_t document, const Entry *entries, const uint32_t *table, unsigned slots) {
  for (unsigned slot = slot_of(document, slots);; slot = (slot + 1) & (slots - 1)) {
    const Entry &there = entries[table[slot]];
    if (there.document == document) return there.lower;
  }
}

// The `limit`-th largest key of the entries in the table, 0 where there are fewer. For every thread.
__device__ Key find_key(const Entry *entries, const uint32_t *table, unsigned slots, unsigned limit, bool exact) {
  __shared__ unsigned histogram[256];
  __shared__ Key shared_prefix;
  __shared__ unsigned shared_left;
  Key prefix = 0;
  unsigned left = limit;  // the one that is looked for, among those that begin with the prefix
  for (int shift = 56; shift >= 0; shift -= 8) {
    if (threadIdx.x < 256) histogram[threadIdx.x] = 0;
    __syncthreads();
    const Key mask = shift == 56 ? 0 : ~Key{0} << (shift + 8);
    for (unsigned slot = threadIdx.x; slot < slots; slot += threads) {
      const uint32_t place = table[slot];
      if (place == nothing) continue;
      const Key key = lower_key(entries[place], exact);
      if ((key & mask) == prefix) atomicAdd(histogram + static_cast<unsigned>(key >> shift & 255u), 1u);
    }
    __syncthreads();
    if (threadIdx.x < 32) {
      // Lane l looks at 8 bins, from bin 255 - 8 l downwards.
      const int lane = lane_of_thread();
      unsigned mine = 0;
      for (int i = 0; i < 8; ++i) mine += histogram[255 - 8 * lane - i];
      unsigned before = mine;  // of this lane's and all higher bins
      for (int apart = 1; apart < 32; apart *= 2) {
        const unsigned given = __shfl_up_sync(all_lanes, before, static_cast<unsigned>(apart));
        if (lane >= apart) before += given;
      }
      const unsigned all = __shfl_sync(all_lanes, before, 31);
      before -= mine;
      if (lane == 0 && all < left) shared_left = 0;  // only in the first pass: there are fewer than `limit`
      if (before < left && before + mine >= left) {
        int bin = 255 - 8 * lane;
        while (before + histogram[bin] < left) before += histogram[bin--];
        shared_prefix = prefix | static_cast<Key>(bin) << shift;
        shared_left = left - before;
      }
    }
    __syncthreads();
    left = shared_left;
    if (left == 0) return 0;
    prefix = shared_prefix;
  }
  return prefix;
}

// What rows are handed out by, from the highest on.
__device__ Key order_of(const FoundRow &found, Keep keep) {
  return keep == Keep::best_out ? search_key(found.score, found.row)
                                : static_cast<Key>(~found.row) << 32 | found.score;
}

// rows [count], by a bitonic sort of keys in shared memory: in each step, pairs that are `apart` are put in order.
__device__ void sort_rows(FoundRow *rows, unsigned count, Keep keep, Key *keys) {
  unsigned size = 2;
  while (size < count) size *= 2;
  for (unsigned i = threadIdx.x; i < size; i += threads) keys[i] = i < count ? order_of(rows[i], keep) : 0;
  for (unsigned run = 2; run <= size; run *= 2)
    for (unsigned apart = run / 2; apart > 0; apart /= 2) {
      __syncthreads();
      for (unsigned i = threadIdx.x; i < size / 2; i += threads) {
        const unsigned low = i / apart * 2 * apart + i % apart, high = low + apart;
        const bool falls = (low & run) == 0;
        const Key a = keys[low], b = keys[high];
        if ((a < b) == falls) {
          keys[low] = b;
          keys[high] = a;
        }
      }
    }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < count; i += threads) {
    const auto upper = static_cast<uint32_t>(keys[i] >> 32), lower = static_cast<uint32_t>(keys[i]);
    rows[i] = keep == Keep::best_out ? FoundRow{upper, ~lower} : FoundRow{lower, ~upper};
  }
}

__global__ void __launch_bounds__(threads)
    select_for_query(Keep keep, bool exact, bool has_documents, Found found, unsigned limit, Selected selected) {
  __shared__ unsigned handed_out;
  uint32_t *table = dynamic_shared<uint32_t>();
  const unsigned query = blockIdx.x;
  Entry *entries = found.entries + static_cast<size_t>(query) * found.capacity;
  const unsigned found_count = found.counts[query];
  const unsigned count = min(found_count, found.capacity);

  unsigned slots = 32;
  if (has_documents) {
    while (slots < 2 * count) slots *= 2;
    keep_best_of_documents(entries, count, table, slots);
  } else {
    slots = count;
    for (unsigned i = threadIdx.x; i < count; i += threads) table[i] = entries[i].row == no_row ? nothing : i;
    __syncthreads();
  }
  const Key reached = find_key(entries, table, slots, limit, exact);
  const Key threshold = max(found.thresholds[query], reached);
  if (threadIdx.x == 0) handed_out = 0;
  __syncthreads();  // everyone has read what is changed below

  if (keep == Keep::best_out) {
    for (unsigned slot = threadIdx.x; slot < slots; slot += threads) {
      const uint32_t place = table[slot];
      if (place == nothing) continue;
      const Entry entry = entries[place];
      if (search_key(entry.lower, entry.row) < threshold) continue;
      const unsigned to = atomicAdd(&handed_out, 1u);
      if (to < selected.capacity)
        selected.rows[static_cast<size_t>(query) * selected.capacity + to] = {entry.lower, entry.row};
    }
  } else if (keep != Keep::threshold) {
    const auto least = static_cast<uint32_t>(threshold >> 32);
    for (unsigned i = threadIdx.x; i < count; i += threads) {
      const Entry entry = entries[i];
      if (entry.row == no_row) continue;
      // Of a document's rows those may be its best that another does not surpass for certain.
      const bool may_be = entry.upper >= least &&
                          (!has_documents || entry.upper >= best_lower_of(entry.document, entries, table, slots));
      if (keep == Keep::candidates) {
        if (!may_be) entries[i].row = no_row;
      } else if (may_be) {
        const unsigned to = atomicAdd(&handed_out, 1u);
        if (to < selected.capacity)
          selected.rows[static_cast<size_t>(query) * selected.capacity + to] = {entry.upper, entry.row};
      }
    }
  }
  __syncthreads();
  if (keep == Keep::best_out || keep == Keep::candidates_out) {
    // The table is not needed any more.
    if (handed_out <= selected.capacity)
      sort_rows(selected.rows + static_cast<size_t>(query) * selected.capacity, handed_out, keep, dynamic_shared<Key>());
  }
  if (threadIdx.x != 0) return;
  selected.thresholds[query] = threshold;
  if (keep != Keep::candidates) found.counts[query] = 0;
  if (keep == Keep::threshold) return;
  selected.found[query] = found_count;
  if (keep != Keep::candidates) selected.counts[query] = handed_out;
}

}  // namespace

size_t selection_shared_bytes(unsigned capacity) {
  size_t slots = 32;
  while (slots < size_t{2} * capacity) slots *= 2;
  return slots * sizeof(uint32_t);
}

void select_entries(Keep keep, bool exact, bool has_documents, const Found &found, unsigned query_count, unsigned limit,
                    const Selected &selected, cudaStream_t stream) {
  launch(select_for_query, query_count, threads, selection_shared_bytes(found.capacity), stream, keep, exact,
         has_documents, found, limit, selected);
}

}  // namespace ner_retriever::cuda
