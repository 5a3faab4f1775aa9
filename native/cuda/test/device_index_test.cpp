#include <atomic>
#include <cstring>
#include <limits>
#include <thread>

#include "cuda_test.h"
#include "ner_retriever/segment_index.h"
#include "segment_files.h"

// A SegmentIndex on a GPU beside one on the CPU. The rows are small integers, whose scores are exact in any order: so both
// give the same bits. Of int8 they are anything: the GPU only finds candidates.

using namespace ner_retriever;

namespace {

const float infinity = std::numeric_limits<float>::infinity();

// The case closes the device.
std::shared_ptr<ner_cuda_device> shared(ner_cuda_device *device) { return {device, [](ner_cuda_device *) {}}; }

std::vector<float> make_vectors(ner_precision precision, size_t count) {
  return precision == NER_INT8 ? random_floats(count) : random_integers(count, 9);
}

// Documents of one to three rows, from `first` on.
std::vector<uint32_t> make_documents(size_t count, uint32_t first) {
  std::vector<uint32_t> documents;
  for (; documents.size() < count; ++first) documents.resize(std::min(count, documents.size() + random_size(1, 3)), first);
  return documents;
}

void check_same(const SegmentRows &device, const SegmentRows &cpu, ner_precision precision, size_t dimensions,
                const std::string &about) {
  CHECK(device.count() == cpu.count() && device.document_count() == cpu.document_count(), about);
  const size_t query_count = random_size(1, 12), limit = random_size(1, cpu.count() + 1);
  const std::vector<float> queries = make_vectors(precision, query_count * dimensions);
  std::vector<uint8_t> bitmap(cpu.count() / 8 + 1);
  for (uint8_t &byte : bitmap) byte = static_cast<uint8_t>(random_size(0, 255));
  const ner_selection some = {bitmap.data(), bitmap.size(), static_cast<uint32_t>(random_size(0, 5))};
  FileFault fault;
  for (const ner_selection *selection : {static_cast<const ner_selection *>(nullptr), &some}) {
    struct Answer {
      std::vector<float> scores;
      std::vector<uint32_t> rows;
      std::vector<size_t> counts;
      Ranking ranking;
    };
    const auto ask = [&](const SegmentRows &rows) {
      Answer answer = {std::vector<float>(query_count * limit), std::vector<uint32_t>(query_count * limit),
                       std::vector<size_t>(query_count), {}};
      CHECK(rows.search(selection, queries.data(), query_count, limit, 2, answer.scores.data(), answer.rows.data(),
                        answer.counts.data(), &fault) == NER_OK,
            about + ner_last_error());
      CHECK(rows.rank(selection, queries.data(), -infinity, 2, &answer.ranking, &fault) == NER_OK, about + ner_last_error());
      return answer;
    };
    const Answer one = ask(device), other = ask(cpu);
    CHECK(one.counts == other.counts && one.rows == other.rows && one.scores == other.scores, about + ", search");
    CHECK(one.ranking.count == other.ranking.count, about + ", rank");
    for (size_t place = 0; place < other.ranking.count; ++place)
      CHECK(one.ranking.rows[place] == other.ranking.rows[place] && one.ranking.scores[place] == other.ranking.scores[place],
            about + ", rank");
  }
  const std::vector<uint32_t> every = each_its_own(cpu.count(), 0);
  std::vector<float> one(query_count * every.size()), other(one.size());
  CHECK(device.scores(queries.data(), query_count, every.data(), every.size(), one.data(), &fault) == NER_OK, about);
  CHECK(cpu.scores(queries.data(), query_count, every.data(), every.size(), other.data(), &fault) == NER_OK, about);
  CHECK(one == other, about + ", scores");
}

// Grows both indexes by some blocks of the segment.
void grow(SegmentIndex &device, SegmentIndex &cpu, const Segment &segment, uint32_t *next_document, size_t most_rows) {
  std::vector<SegmentBlock> blocks;
  for (size_t more = random_size(1, 3); more > 0; --more) {
    const size_t count = random_size(1, most_rows);
    const std::vector<uint32_t> documents = make_documents(count, *next_document);
    // Sometimes the last document goes on in the next block.
    *next_document = documents.back() + static_cast<uint32_t>(random_size(0, 1));
    blocks.push_back(segment.append(make_vectors(segment.precision, count * segment.dimensions), documents));
  }
  FileFault fault;
  CHECK(device.map(segment.files, blocks, 2, &fault) == NER_OK, ner_last_error());
  CHECK(cpu.map(segment.files, blocks, 2, &fault) == NER_OK, ner_last_error());
}

}  // namespace

CUDA_TEST("an index on the GPU answers as one on the CPU, and so does every view of it while it grows") {
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16, NER_INT8}) {
    const TestDevice device;
    const TemporaryFolder folder;
    const size_t dimensions = random_size(1, 70);
    SegmentIndex on_device(NER_SCALAR, precision, dimensions, &api(), shared(device)), on_cpu(NER_SCALAR, precision, dimensions);
    std::vector<std::shared_ptr<const SegmentRows>> views, expected;
    uint32_t next_document = 0;
    for (int s = 0; s < 3; ++s) {
      const Segment segment(folder.path, std::to_string(s), precision, dimensions);
      for (size_t grows = random_size(1, 3); grows > 0; --grows) {
        grow(on_device, on_cpu, segment, &next_document, 60);
        views.push_back(on_device.rows());
        expected.push_back(on_cpu.rows());
      }
      ++next_document;  // a document lies in one segment
    }
    CHECK(on_device.device_fault().empty(), on_device.device_fault());
    for (size_t view = 0; view < views.size(); ++view)
      check_same(*views[view], *expected[view], precision, dimensions,
                 "precision " + std::to_string(precision) + ", view " + std::to_string(view));
    // Views outlive the index.
    on_device.close();
    check_same(*views.back(), *expected.back(), precision, dimensions, "closed");
  }
}

CUDA_TEST("where the GPU's memory ends, the CPU goes on and it is said why") {
  const TemporaryFolder folder;
  const size_t dimensions = 100;
  const TestDevice device({size_t{3} << 20, size_t{1} << 16, ""});
  SegmentIndex on_device(NER_SCALAR, NER_FLOAT32, dimensions, &api(), shared(device)), on_cpu(NER_SCALAR, NER_FLOAT32, dimensions);
  const Segment segment(folder.path, "s", NER_FLOAT32, dimensions);
  uint32_t next_document = 0;
  grow(on_device, on_cpu, segment, &next_document, 300);
  const auto view = on_device.rows(), expected = on_cpu.rows();
  CHECK(on_device.device_fault().empty(), on_device.device_fault());
  while (on_device.device_fault().empty()) grow(on_device, on_cpu, segment, &next_document, 3000);
  CHECK(on_device.device_fault().find("memory") != std::string::npos, on_device.device_fault());
  check_same(*on_device.rows(), *on_cpu.rows(), NER_FLOAT32, dimensions, "on the CPU");
  check_same(*view, *expected, NER_FLOAT32, dimensions, "an older view");
  grow(on_device, on_cpu, segment, &next_document, 30);
  check_same(*on_device.rows(), *on_cpu.rows(), NER_FLOAT32, dimensions, "still on the CPU");
}

CUDA_TEST("a call that the GPU has no memory for is answered by the CPU") {
  if (emulated() == nullptr) return;
  for (const ner_precision precision : {NER_FLOAT32, NER_INT8}) {
    const TestDevice device;
    const TemporaryFolder folder;
    SegmentIndex on_device(NER_SCALAR, precision, 8, &api(), shared(device)), on_cpu(NER_SCALAR, precision, 8);
    const Segment segment(folder.path, "s", precision, 8);
    uint32_t next_document = 0;
    grow(on_device, on_cpu, segment, &next_document, 100);
    for (unsigned nth = 1; nth < 8; ++nth) {
      emulated()->fail_allocation(nth);
      check_same(*on_device.rows(), *on_cpu.rows(), precision, 8, "allocation " + std::to_string(nth));
    }
    emulated()->fail_allocation(0);
  }
}

CUDA_TEST("searches on the GPU and growth run at once") {
  const TestDevice device;
  const TemporaryFolder folder;
  constexpr size_t dimensions = 7, blocks = 12, rows_of_block = 20;
  const Segment segment(folder.path, "s", NER_FLOAT32, dimensions);
  SegmentIndex index(NER_SCALAR, NER_FLOAT32, dimensions, &api(), shared(device));
  // Row i scores i: the best row says how many a search saw.
  std::atomic<bool> done{false};
  std::atomic<size_t> wrong{0};
  const auto search = [&] {
    const float query[dimensions] = {1};
    while (!done) {
      const auto rows = index.rows();
      if (rows->count() == 0) continue;
      float score = -1;
      uint32_t best = 0;
      size_t found = 0;
      FileFault fault;
      const ner_status status = rows->search(nullptr, query, 1, 1, 2, &score, &best, &found, &fault);
      if (status != NER_OK || found != 1 || best != rows->count() - 1 || score != static_cast<float>(best)) ++wrong;
    }
  };
  std::thread one(search), other(search);
  for (size_t block = 0; block < blocks; ++block) {
    std::vector<float> vectors(rows_of_block * dimensions);
    for (size_t row = 0; row < rows_of_block; ++row)
      vectors[row * dimensions] = static_cast<float>(block * rows_of_block + row);
    const SegmentBlock appended =
        segment.append(vectors, each_its_own(rows_of_block, static_cast<uint32_t>(block * rows_of_block)));
    FileFault fault;
    CHECK(index.map(segment.files, {appended}, 2, &fault) == NER_OK, ner_last_error());
  }
  done = true;
  one.join();
  other.join();
  CHECK(wrong == 0, std::to_string(wrong) + " searches were wrong");
  CHECK(index.device_fault().empty(), index.device_fault());
}
