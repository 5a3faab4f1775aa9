#include "rank_documents.h"

#include <vector>

#include "search_rank.h"

namespace ner_retriever::cuda {

namespace {

// 16 bytes of room for each on the device, and 8 on the host.
constexpr size_t rows_at_once = size_t{1} << 22;

// Documents that go on in the next range of rows become one key.
class Joiner {
 public:
  explicit Joiner(const std::function<void(const Key *, size_t)> &take) : take_(take) {}

  void add(const RangeEnds &ends) {
    Key first = ends.first;
    if (is_open_ && document_ == ends.first_document) first = std::max(first, key_);
    else close();
    is_open_ = true;
    document_ = ends.last_document;
    key_ = first;
    if (ends.first_document == ends.last_document) return;
    close();
    is_open_ = true;
    key_ = ends.last;
  }
  // Hands out the document that was the last so far.
  void close() {
    if (is_open_ && key_ != 0) take_(&key_, 1);
    is_open_ = false;
  }

 private:
  const std::function<void(const Key *, size_t)> &take_;
  bool is_open_ = false;
  uint32_t document_ = 0;
  Key key_ = 0;
};

}  // namespace

void rank_documents(const SearchedRows &searched, const float *planes, Key threshold,
                    const std::function<void(const Key *keys, size_t count)> &take) {
  const Rows &rows = searched.rows();
  Device &device = rows.device();
  const size_t most = std::min(searched.count(), rows_at_once);
  if (most == 0) return;
  const DeviceBuffer<Key> best(device.memory(), most), keys(device.memory(), most), least(device.memory(), 1);
  const DeviceBuffer<unsigned> count(device.memory(), 1);
  const DeviceBuffer<RangeEnds> ends(device.memory(), 1);
  const Ranked ranked = {best.get(), keys.get(), count.get(), ends.get()};
  Found found = {};
  found.thresholds = least.get();
  searched.select(&found);
  device.staging().upload(&threshold, sizeof threshold, least.get(), device.stream());

  Joiner joiner(take);
  std::vector<Key> arrived;
  const auto download = [&](const auto &from, size_t many, auto *to) {
    device.staging().download(from.get(), many * sizeof *to, to, device.stream());
  };
  searched.each_chunk(1, [&](const RowChunk &chunk, const RowRange &all) {
    for (uint32_t done = 0; done < all.count;) {
      const auto some = static_cast<uint32_t>(std::min<size_t>(all.count - done, most));
      rank_rows(rows.precision(), chunk, {all.begin + done, some, 1}, planes, found, ranked, device.properties(),
                device.stream());
      done += some;
      unsigned inside = 0;
      RangeEnds outside = {};
      download(count, 1, &inside);
      download(ends, 1, &outside);
      arrived.resize(inside);
      download(keys, inside, arrived.data());
      joiner.add(outside);
      if (inside > 0) take(arrived.data(), inside);
    }
  });
  joiner.close();
}

}  // namespace ner_retriever::cuda
