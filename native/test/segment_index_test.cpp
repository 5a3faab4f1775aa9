#include "ner_retriever/segment_index.h"

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "harness.h"
#include "mapped_file.h"
#include "segment_files.h"

using namespace ner_retriever;
namespace fs = std::filesystem;

namespace {

constexpr ner_precision precisions[] = {NER_FLOAT32, NER_BFLOAT16, NER_INT8};

std::string read_file(const std::string &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

float dot(const float *a, const float *b, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST("segments that grow answer as all of their rows together") {
  for (const ner_precision precision : precisions)
    for (const ner_instruction_set set : available_sets()) {
      const TemporaryFolder folder;
      const size_t dimensions = random_size(1, 100);
      const std::string about = std::to_string(precision) + " " + ner_instruction_set_name(set);
      SegmentIndex index(set, precision, dimensions);
      CHECK(index.rows()->count() == 0 && index.rows()->bytes() == 0, about);

      std::vector<float> all;
      std::vector<uint32_t> documents;
      FileFault fault;
      size_t row_bytes = 0;
      for (int s = 0; s < 3; ++s) {
        const Segment segment(folder.path, std::to_string(s), precision, dimensions);
        row_bytes = 0;
        for (size_t column = 0; column < segment.column_count; ++column) row_bytes += segment.columns[column].row_bytes;
        for (size_t grows = random_size(1, 4); grows > 0; --grows) {
          std::vector<SegmentBlock> blocks;
          for (size_t more = random_size(1, 3); more > 0; --more) {
            const size_t count = random_size(1, 30);
            // Small integers: the same in every precision.
            const std::vector<float> vectors = random_integers(count * dimensions, 9);
            // One document in two has two rows, which lie in one block.
            std::vector<uint32_t> of_block;
            const uint32_t first = documents.empty() ? 0 : documents.back() + 1;
            for (size_t row = 0; row < count; ++row) of_block.push_back(first + static_cast<uint32_t>(row * 2 / 3));
            blocks.push_back(segment.append(vectors, of_block));
            all.insert(all.end(), vectors.begin(), vectors.end());
            documents.insert(documents.end(), of_block.begin(), of_block.end());
          }
          CHECK(index.map(segment.files, blocks, 2, &fault) == NER_OK, ner_last_error());
          CHECK(index.rows()->count() == documents.size(), about);
        }
      }
      const auto rows = index.rows();
      const size_t count = documents.size();
      CHECK(rows->bytes() == count * row_bytes, about);

      std::vector<float> vectors(all.size());
      CHECK(rows->vectors(0, count, vectors.data(), &fault) == NER_OK, ner_last_error());
      CHECK(vectors == all, about);

      std::vector<uint32_t> numbers = each_its_own(count, 0), of(count), firsts(count), counts(count);
      CHECK(rows->locate(numbers.data(), count, of.data(), firsts.data(), counts.data(), &fault) == NER_OK, about);
      CHECK(of == documents, about);
      size_t different = 0;
      for (size_t row = 0; row < count; ++row) {
        const bool first = row == 0 || documents[row - 1] != documents[row];
        different += first;
        const size_t begin = firsts[row], end = begin + counts[row];
        CHECK(begin <= row && row < end && end <= count, about);
        CHECK((begin == 0 || documents[begin - 1] != documents[row]) && documents[begin] == documents[row], about);
        CHECK((end == count || documents[end] != documents[row]) && documents[end - 1] == documents[row], about);
      }
      CHECK(rows->document_count() == different, about);

      const std::vector<float> query = random_integers(dimensions, 9);
      std::vector<float> scores(count);
      CHECK(rows->scores(query.data(), 1, numbers.data(), count, scores.data(), &fault) == NER_OK, ner_last_error());
      for (size_t row = 0; row < count; ++row)
        CHECK(scores[row] == dot(query.data(), all.data() + row * dimensions, dimensions), about);

      Ranking ranking;
      const float everything = -std::numeric_limits<float>::infinity();
      CHECK(rows->rank(nullptr, query.data(), everything, 2, &ranking, &fault) == NER_OK, ner_last_error());
      CHECK(ranking.count == different, about);
      for (size_t place = 0; place < ranking.count; ++place) {
        const uint32_t row = ranking.rows[place];
        CHECK(ranking.scores[place] == scores[row], about);
        for (size_t other = firsts[row]; other < firsts[row] + counts[row]; ++other)
          CHECK(scores[other] < scores[row] || (scores[other] == scores[row] && other >= row), about);
        CHECK(place == 0 || ranking.scores[place - 1] > ranking.scores[place] ||
                  (ranking.scores[place - 1] == ranking.scores[place] && ranking.rows[place - 1] < row),
              about);
      }

      const size_t limit = std::min<size_t>(7, different);
      std::vector<float> best(limit);
      std::vector<uint32_t> best_rows(limit);
      size_t found = 0;
      CHECK(rows->search(nullptr, query.data(), 1, limit, 2, best.data(), best_rows.data(), &found, &fault) == NER_OK,
            ner_last_error());
      CHECK(found == limit, about);
      for (size_t place = 0; place < found; ++place)
        CHECK(best[place] == ranking.scores[place] && best_rows[place] == ranking.rows[place], about);

      const std::vector<uint8_t> bitmap = {0xa5, 0x0f};
      const ner_selection selection = {bitmap.data(), bitmap.size(), 0};
      Ranking selected;
      CHECK(rows->rank(&selection, query.data(), everything, 2, &selected, &fault) == NER_OK, ner_last_error());
      size_t next = 0;
      for (size_t place = 0; place < ranking.count; ++place) {
        const uint32_t document = documents[ranking.rows[place]];
        if (document >= 16 || (bitmap[document / 8] >> (document % 8) & 1) == 0) continue;
        CHECK(next < selected.count && selected.rows[next] == ranking.rows[place], about);
        ++next;
      }
      CHECK(next == selected.count, about);
    }
}

TEST("one flipped bit anywhere is found, and so is every shorter file") {
  for (const ner_precision precision : precisions) {
    const TemporaryFolder folder;
    const Segment segment(folder.path, "s", precision, 3);
    const std::vector<float> vectors = random_floats(4 * 3);
    const std::vector<SegmentBlock> blocks = {segment.append({vectors.begin(), vectors.begin() + 3}, {0}),
                                              segment.append({vectors.begin() + 3, vectors.end()}, {0, 2, 5})};
    for (size_t column = 0; column < segment.column_count; ++column) {
      const std::string bytes = read_file(segment.files[column]);
      const bool checked_when_read = precision == NER_INT8 && column == NER_COLUMN_ROWS;
      for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        write_file(segment.files[column], flipped);
        SegmentIndex index(NER_SCALAR, precision, 3);
        FileFault fault;
        ner_status status = index.map(segment.files, blocks, 1, &fault);
        const auto rows = index.rows();
        if (checked_when_read) {
          CHECK(status == NER_OK && rows->count() == 4, ner_last_error());
          std::vector<float> read(12);
          status = rows->vectors(0, 4, read.data(), &fault);
        } else {
          CHECK(rows->count() == 0, fault.reason);
        }
        CHECK(status == NER_DAMAGED && fault.file == segment.files[column] && fault.system_error == 0, fault.reason);
        const size_t row = bit / 8 / segment.columns[column].row_bytes;
        const std::string words = checked_when_read ? "row " + std::to_string(row)
                                  : row == 0        ? "block 0 (rows 0 to 0)"
                                                    : "block 1 (rows 1 to 3)";
        CHECK(fault.reason.find(words) != std::string::npos, fault.reason);
      }
      for (size_t length = 0; length < bytes.size(); ++length) {
        write_file(segment.files[column], bytes.substr(0, length));
        SegmentIndex index(NER_SCALAR, precision, 3);
        FileFault fault;
        CHECK(index.map(segment.files, blocks, 1, &fault) == NER_DAMAGED && fault.file == segment.files[column],
              fault.reason);
      }
      write_file(segment.files[column], bytes);
    }
    SegmentIndex index(NER_SCALAR, precision, 3);
    FileFault fault;
    CHECK(index.map(segment.files, blocks, 1, &fault) == NER_OK, ner_last_error());
  }
}

TEST("a file that becomes shorter is found before it is read") {
  for (const ner_precision precision : precisions) {
    const TemporaryFolder folder;
    const Segment segment(folder.path, "s", precision, 5);
    const SegmentBlock block = segment.append(random_floats(5000 * 5), each_its_own(5000, 0));
    for (size_t column = 0; column < segment.column_count; ++column) {
      SegmentIndex index(NER_SCALAR, precision, 5);
      FileFault fault;
      CHECK(index.map(segment.files, {block}, 2, &fault) == NER_OK, ner_last_error());
      const auto rows = index.rows();
      const std::string bytes = read_file(segment.files[column]);
      fs::resize_file(segment.files[column], bytes.size() - 1);
      const float query[5] = {};
      float score = 0, vector[5];
      uint32_t row = 4999, found[3];
      size_t count = 0;
      Ranking ranking;
      const ner_status statuses[] = {rows->search(nullptr, query, 1, 1, 1, &score, &row, &count, &fault),
                                     rows->rank(nullptr, query, 0, 1, &ranking, &fault),
                                     rows->scores(query, 1, &row, 1, &score, &fault),
                                     rows->vectors(0, 1, vector, &fault),
                                     rows->locate(&row, 1, found, found + 1, found + 2, &fault)};
      for (const ner_status status : statuses)
        CHECK(status == NER_DAMAGED && fault.file == segment.files[column], fault.reason);
      write_file(segment.files[column], bytes);
      CHECK(rows->vectors(0, 1, vector, &fault) == NER_OK, "whole again");
    }
  }
}

TEST("searches and growth run at once") {
  for (const ner_precision precision : precisions) {
    const TemporaryFolder folder;
    constexpr size_t dimensions = 7, blocks = 40, rows_of_block = 20;
    const Segment segment(folder.path, "s", precision, dimensions);
    SegmentIndex index(available_sets().back(), precision, dimensions);
    // Row i scores i: the best row says how many a search saw.
    std::atomic<bool> done{false};
    std::atomic<size_t> searches{0};
    const auto search = [&] {
      float query[dimensions] = {1};
      while (!done) {
        const auto rows = index.rows();
        if (rows->count() == 0) continue;
        float score = -1;
        uint32_t best = 0;
        size_t found = 0;
        FileFault fault;
        const ner_status status = rows->search(nullptr, query, 1, 1, 2, &score, &best, &found, &fault);
        if (status != NER_OK || found != 1 || best != rows->count() - 1 || rows->count() % rows_of_block != 0) std::abort();
        ++searches;
      }
    };
    std::thread one(search), other(search);
    for (size_t block = 0; block < blocks; ++block) {
      std::vector<float> vectors(rows_of_block * dimensions);
      // bfloat16 holds whole numbers to 256: those beyond are made of multiples.
      for (size_t row = 0; row < rows_of_block; ++row)
        vectors[row * dimensions] = std::ldexp(static_cast<float>(128 + row), static_cast<int>(block));
      FileFault fault;
      const SegmentBlock appended =
          segment.append(vectors, each_its_own(rows_of_block, static_cast<uint32_t>(block * rows_of_block)));
      CHECK(index.map(segment.files, {appended}, 2, &fault) == NER_OK, ner_last_error());
    }
    const size_t before = searches;
    while (searches < before + 4) std::this_thread::yield();
    done = true;
    one.join();
    other.join();
    const auto last = index.rows();
    index.close();
    CHECK(index.rows() == nullptr, "closed");
    std::vector<float> vectors(dimensions);
    FileFault fault;
    CHECK(last->vectors(3, 1, vectors.data(), &fault) == NER_OK && vectors[0] == 131, "rows outlive the index");
    CHECK(index.map(segment.files, {}, 1, &fault) == NER_UNAVAILABLE, "closed");
  }
}

TEST("what cannot be is refused, and nothing is added") {
  const TemporaryFolder folder;
  const Segment segment(folder.path, "s", NER_FLOAT32, 2);
  const SegmentBlock block = segment.append({1, 2, 3, 4}, {0, 1});
  SegmentIndex index(NER_SCALAR, NER_FLOAT32, 2);
  FileFault fault;
  const auto refused = [&](const std::vector<std::string> &files, const SegmentBlock &one) {
    return index.map(files, {one}, 1, &fault) == NER_INVALID_ARGUMENT && index.rows()->count() == 0;
  };
  CHECK(refused({segment.files[0]}, block), ner_last_error());
  CHECK(refused(segment.files, {2, {1}, 0}), ner_last_error());
  CHECK(refused(segment.files, {0, block.checksums, 0}), ner_last_error());
  CHECK(refused(segment.files, {std::numeric_limits<size_t>::max(), block.checksums, 0}), ner_last_error());
  CHECK(refused(segment.files, {size_t{1} << 32, block.checksums, 0}), ner_last_error());
  CHECK(index.map(segment.files, {block, {(size_t{1} << 32) - 4, block.checksums, 0}}, 1, &fault) == NER_DAMAGED,
        "as many rows as can be, in files that are shorter");
  CHECK(index.map({segment.files[0], segment.files[0] + ".not"}, {block}, 1, &fault) == NER_FAILED, ner_last_error());
  CHECK(fault.system_error == ENOENT && fault.file == segment.files[0] + ".not", fault.reason);
  CHECK(index.map(segment.files, {block}, 1, &fault) == NER_OK && index.rows()->count() == 2, ner_last_error());

  const uint32_t beyond[] = {0, 2};
  uint32_t out[6];
  float scores[2];
  const float query[2] = {};
  const auto rows = index.rows();
  CHECK(rows->locate(beyond, 2, out, out + 2, out + 4, &fault) == NER_INVALID_ARGUMENT, ner_last_error());
  CHECK(rows->scores(query, 1, beyond, 2, scores, &fault) == NER_INVALID_ARGUMENT, ner_last_error());
  CHECK(rows->vectors(1, 2, scores, &fault) == NER_INVALID_ARGUMENT, ner_last_error());
  CHECK(rows->vectors(std::numeric_limits<size_t>::max(), 2, scores, &fault) == NER_INVALID_ARGUMENT, ner_last_error());
  CHECK(rows->vectors(2, 0, nullptr, &fault) == NER_OK, ner_last_error());
}

TEST("a mapped file gives back its descriptor and its memory") {
  const TemporaryFolder folder;
  const std::string file = (folder.path / "f").string();
  write_file(file, std::string(10000, 'x'));
  const auto descriptors = [] {
    size_t count = 0;
    for (const auto &entry : fs::directory_iterator("/proc/self/fd")) count += !entry.path().empty();
    return count;
  };
  if (fs::exists("/proc/self/fd")) {
    const size_t before = descriptors();
    {
      MappedFile one, other;
      FileFault fault;
      CHECK(MappedFile::map(file, 10000, &one, &fault) == NER_OK, ner_last_error());
      CHECK(MappedFile::map(file, 0, &other, &fault) == NER_OK && other.data() == nullptr, ner_last_error());
      CHECK(one.same_file(other) && static_cast<const char *>(one.data())[9999] == 'x', "mapped");
      CHECK(descriptors() == before + 2, "open");
      other = std::move(one);
      CHECK(other.bytes() == 10000, "moved");
      CHECK(MappedFile::map(file, 10001, &one, &fault) == NER_DAMAGED, "too short");
      CHECK(MappedFile::map(folder.path.string(), 1, &one, &fault) == NER_DAMAGED, "a folder");
    }
    CHECK(descriptors() == before, "closed");
  }
}

int main() { return run_all(); }
