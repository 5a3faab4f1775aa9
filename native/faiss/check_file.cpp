#include "check_file.h"

#include <faiss/Index.h>
#include <faiss/impl/ScalarQuantizer.h>

#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "failure.h"

namespace {

// Reads a file from front to back; what it throws names the byte.
class Walk {
 public:
  explicit Walk(const std::string &file) : file_(file), stream_(std::fopen(file.c_str(), "rb"), &std::fclose) {
    struct stat about;
    if (stream_ == nullptr || fstat(fileno(stream_.get()), &about) != 0)
      throw Failure(NER_FAILED, "'" + file + "' could not be read: " + std::strerror(errno));
    if (!S_ISREG(about.st_mode)) throw Failure(NER_FAILED, "'" + file + "' could not be read: it is no regular file");
    size_ = static_cast<size_t>(about.st_size);
  }

  size_t left() const { return size_ - place_; }

  [[noreturn]] void damaged(const std::string &what) const {
    throw Failure(NER_DAMAGED, "'" + file_ + "' is no index that can be used: " + what + " (at byte " +
                                   std::to_string(place_) + ")");
  }

  void expect(bool holds, const char *what) const {
    if (!holds) damaged(what);
  }

  template <class Number>
  Number number() {
    Number value;
    take(&value, sizeof value);
    return value;
  }

  bool flag() {
    const auto value = number<uint8_t>();
    expect(value <= 1, "expected a flag");
    return value == 1;
  }

  // Four letters.
  std::string tag() {
    char letters[4];
    take(letters, sizeof letters);
    return std::string(letters, sizeof letters);
  }

  template <class Number>
  std::vector<Number> numbers(size_t count) {
    check_room(count, sizeof(Number));
    std::vector<Number> values(count);
    take(values.data(), count * sizeof(Number));
    return values;
  }

  // The size before a vector, and the vector.
  template <class Number>
  std::vector<Number> vector() {
    return numbers<Number>(number<uint64_t>());
  }

  void skip_vector(size_t expected_count, size_t bytes_each, const char *what) {
    expect(number<uint64_t>() == expected_count, what);
    skip(expected_count, bytes_each);
  }

  void skip(size_t count, size_t bytes_each) {
    check_room(count, bytes_each);
    if (fseeko(stream_.get(), static_cast<off_t>(count * bytes_each), SEEK_CUR) != 0) damaged(std::strerror(errno));
    place_ += count * bytes_each;
  }

 private:
  void check_room(size_t count, size_t bytes_each) const {
    expect(bytes_each == 0 || count <= left() / bytes_each, "it is too short for what it says it holds");
  }

  void take(void *values, size_t bytes) {
    check_room(bytes, 1);
    if (std::fread(values, 1, bytes, stream_.get()) != bytes) damaged(std::strerror(errno));
    place_ += bytes;
  }

  std::string file_;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> stream_;
  size_t size_ = 0;
  size_t place_ = 0;
};

struct Header {
  size_t dimensions;
  size_t size;
  bool is_trained;
};

Header check_header(Walk &walk) {
  const auto dimensions = walk.number<int32_t>();
  walk.expect(dimensions >= 1 && dimensions <= 1 << 20, "expected 1 to 1048576 dimensions");
  const auto size = walk.number<int64_t>();
  walk.expect(size >= 0 && size <= std::numeric_limits<uint32_t>::max(), "expected fewer than 2^32 rows");
  // Inverted lists leave NaN out: there may be fewer rows than are counted, but not by far.
  walk.expect(static_cast<size_t>(size) / 8 <= walk.left(), "it is too short for its rows");
  walk.skip(2, sizeof(int64_t));  // reserved
  const bool is_trained = walk.flag();
  walk.expect(is_trained || size == 0, "expected no rows in an index that is not trained");
  const auto metric = walk.number<int32_t>();
  if (metric != faiss::METRIC_INNER_PRODUCT)
    walk.damaged("expected an index by inner product (metric 0), got metric " + std::to_string(metric) +
                 (metric == faiss::METRIC_L2 ? ", L2" : ""));
  return {static_cast<size_t>(dimensions), static_cast<size_t>(size), is_trained};
}

size_t check_scalar_quantizer(Walk &walk, const Header &header) {
  const auto type = walk.number<int32_t>();
  walk.skip(2, sizeof(int32_t));  // of training
  const size_t dimensions = header.dimensions;
  size_t code_bytes = 0;
  size_t range = 2 * dimensions;
  switch (type) {
    case faiss::ScalarQuantizer::QT_8bit:
      code_bytes = dimensions;
      break;
    case faiss::ScalarQuantizer::QT_4bit:
      code_bytes = (dimensions + 1) / 2;
      break;
    case faiss::ScalarQuantizer::QT_6bit:
      code_bytes = (dimensions * 6 + 7) / 8;
      break;
    case faiss::ScalarQuantizer::QT_fp16:
      code_bytes = dimensions * 2;
      range = 0;
      break;
    default:
      walk.damaged("expected a scalar quantizer of 4, 6, 8 or 16 bits, got type " + std::to_string(type));
  }
  walk.expect(walk.number<uint64_t>() == dimensions, "expected a scalar quantizer of the index's dimensions");
  walk.expect(walk.number<uint64_t>() == code_bytes, "expected codes of the scalar quantizer's size");
  walk.skip_vector(header.is_trained ? range : 0, sizeof(float), "expected a range for each dimension");
  return code_bytes;
}

struct ProductQuantizer {
  size_t parts;
  size_t bits;
  size_t code_bytes() const { return (parts * bits + 7) / 8; }
};

ProductQuantizer check_product_quantizer(Walk &walk, const Header &header) {
  walk.expect(walk.number<uint64_t>() == header.dimensions, "expected a product quantizer of the index's dimensions");
  const auto parts = walk.number<uint64_t>();
  const auto bits = walk.number<uint64_t>();
  walk.expect(parts >= 1 && header.dimensions % parts == 0, "expected parts that divide the dimensions");
  walk.expect(bits >= 1 && bits <= 16, "expected a product quantizer of 1 to 16 bits");
  walk.skip_vector(header.dimensions << bits, sizeof(float), "expected centroids for each code");
  return {parts, bits};
}

// Rows of a list, which no other list may have.
void check_list_rows(Walk &walk, size_t count, std::vector<bool> &seen) {
  for (const auto row : walk.numbers<int64_t>(count)) {
    walk.expect(row >= 0 && static_cast<uint64_t>(row) < seen.size(), "expected rows within the index");
    walk.expect(!seen[static_cast<size_t>(row)], "expected every row once");
    seen[static_cast<size_t>(row)] = true;
  }
}

void check_lists(Walk &walk, const Header &header, size_t list_count, size_t code_bytes) {
  walk.expect(walk.tag() == "ilar", "expected inverted lists");
  walk.expect(walk.number<uint64_t>() == list_count, "expected as many inverted lists as centroids");
  walk.expect(walk.number<uint64_t>() == code_bytes, "expected inverted lists of the index's codes");
  const std::string kind = walk.tag();
  std::vector<uint64_t> sizes = walk.vector<uint64_t>();
  if (kind == "sprs") {
    std::vector<uint64_t> all(list_count);
    walk.expect(sizes.size() % 2 == 0, "expected pairs of a list and its size");
    for (size_t i = 0; i < sizes.size(); i += 2) {
      walk.expect(sizes[i] < list_count, "expected sizes of lists that there are");
      all[sizes[i]] = sizes[i + 1];
    }
    sizes = all;
  } else {
    walk.expect(kind == "full" && sizes.size() == list_count, "expected a size for each list");
  }
  std::vector<bool> seen(header.size);
  for (const uint64_t size : sizes) {
    walk.skip(size, code_bytes);
    check_list_rows(walk, size, seen);
  }
}

// The layout of the fast scan: 4-bit codes of `per_block` rows together.
constexpr size_t per_block = 32;
size_t block_bytes(size_t even_parts) { return per_block * even_parts / 2; }
size_t block_count(size_t rows) { return (rows + per_block - 1) / per_block; }

void check_blocked_lists(Walk &walk, const Header &header, size_t list_count, size_t even_parts) {
  walk.expect(walk.tag() == "ilbl", "expected inverted lists of the fast scan");
  walk.expect(walk.number<uint64_t>() == list_count, "expected as many inverted lists as centroids");
  walk.expect(walk.number<uint64_t>() == std::numeric_limits<uint64_t>::max(), "expected lists without a code size");
  walk.expect(walk.number<uint64_t>() == per_block, "expected blocks of 32 rows");
  walk.expect(walk.number<uint64_t>() == block_bytes(even_parts), "expected blocks of the index's codes");
  std::vector<bool> seen(header.size);
  for (size_t list = 0; list < list_count; ++list) {
    const auto size = walk.number<uint64_t>();
    check_list_rows(walk, size, seen);
    walk.skip_vector(block_count(size) * block_bytes(even_parts), 1, "expected the codes of each list");
  }
}

Header check_index(Walk &walk, const std::string &allowed);

// What all inverted-file indexes begin with.
Header check_coarse(Walk &walk, size_t &list_count) {
  const Header header = check_header(walk);
  list_count = walk.number<uint64_t>();
  walk.expect(list_count >= 1 && list_count <= walk.left(), "it is too short for its inverted lists");
  walk.expect(walk.number<uint64_t>() >= 1, "expected at least 1 list to be visited");
  const Header centroids = check_index(walk, "IxFI IxFl IHNf");
  walk.expect(centroids.dimensions == header.dimensions, "expected centroids of the index's dimensions");
  walk.expect(centroids.size == (header.is_trained ? list_count : 0), "expected a centroid for each list");
  walk.expect(walk.number<uint8_t>() == 0 && walk.number<uint64_t>() == 0, "expected no map from rows to lists");
  return header;
}

Header check_flat_lists(Walk &walk) {
  size_t list_count = 0;
  const Header header = check_coarse(walk, list_count);
  check_lists(walk, header, list_count, header.dimensions * sizeof(float));
  return header;
}

Header check_scalar_lists(Walk &walk) {
  size_t list_count = 0;
  const Header header = check_coarse(walk, list_count);
  const size_t code_bytes = check_scalar_quantizer(walk, header);
  walk.expect(walk.number<uint64_t>() == code_bytes, "expected codes of the scalar quantizer's size");
  walk.flag();  // whether codes are of residuals
  check_lists(walk, header, list_count, code_bytes);
  return header;
}

Header check_product_lists(Walk &walk) {
  size_t list_count = 0;
  const Header header = check_coarse(walk, list_count);
  walk.flag();  // whether codes are of residuals
  const auto code_bytes = walk.number<uint64_t>();
  walk.expect(check_product_quantizer(walk, header).code_bytes() == code_bytes,
              "expected codes of the product quantizer's size");
  check_lists(walk, header, list_count, code_bytes);
  return header;
}

Header check_fast_lists(Walk &walk) {
  size_t list_count = 0;
  const Header header = check_coarse(walk, list_count);
  walk.flag();  // whether codes are of residuals
  const auto code_bytes = walk.number<uint64_t>();
  walk.expect(walk.number<int32_t>() == static_cast<int32_t>(per_block), "expected blocks of 32 rows");
  const auto even_parts = walk.number<uint64_t>();
  walk.expect(walk.number<int32_t>() == 0 && walk.number<uint64_t>() == 0, "expected the usual way to scan");
  const ProductQuantizer quantizer = check_product_quantizer(walk, header);
  walk.expect(quantizer.bits == 4 && quantizer.code_bytes() == code_bytes, "expected codes of 4 bits a part");
  walk.expect(even_parts == (quantizer.parts + 1) / 2 * 2, "expected an even number of parts");
  check_blocked_lists(walk, header, list_count, even_parts);
  return header;
}

Header check_flat(Walk &walk) {
  const Header header = check_header(walk);
  walk.skip_vector(header.size * header.dimensions, sizeof(float), "expected a vector for each row");
  return header;
}

Header check_scalar(Walk &walk) {
  const Header header = check_header(walk);
  const size_t code_bytes = check_scalar_quantizer(walk, header);
  walk.skip_vector(header.size * code_bytes, 1, "expected a code for each row");
  return header;
}

Header check_product(Walk &walk) {
  const Header header = check_header(walk);
  const ProductQuantizer quantizer = check_product_quantizer(walk, header);
  walk.skip_vector(header.size * quantizer.code_bytes(), 1, "expected a code for each row");
  walk.expect(walk.number<int32_t>() == 0, "expected the usual way to search");
  walk.flag();                      // of another way
  walk.skip(1, sizeof(int32_t));  // of another way
  return header;
}

Header check_fast(Walk &walk) {
  const Header header = check_header(walk);
  const ProductQuantizer quantizer = check_product_quantizer(walk, header);
  walk.expect(quantizer.bits == 4, "expected codes of 4 bits a part");
  walk.expect(walk.number<int32_t>() == 0, "expected the usual way to scan");
  walk.expect(walk.number<int32_t>() == static_cast<int32_t>(per_block), "expected blocks of 32 rows");
  walk.expect(walk.number<int32_t>() == 0, "expected the usual way to scan");
  const size_t blocks = block_count(header.size);
  const size_t even_parts = (quantizer.parts + 1) / 2 * 2;
  walk.expect(walk.number<uint64_t>() == blocks * per_block, "expected whole blocks");
  walk.expect(walk.number<uint64_t>() == even_parts, "expected an even number of parts");
  walk.skip_vector(blocks * block_bytes(even_parts), 1, "expected a code for each row");
  return header;
}

// The links of each row: at every level that it is on, to rows that are there too.
Header check_graph(Walk &walk) {
  const Header header = check_header(walk);
  walk.expect(header.size <= std::numeric_limits<int32_t>::max(), "expected fewer than 2^31 rows");
  const auto probabilities = walk.vector<double>();
  walk.expect(!probabilities.empty() && probabilities.size() <= 64, "expected the levels of a graph");
  const auto ends = walk.vector<int32_t>();  // of each level's links among those of a row
  walk.expect(ends.size() >= 2 && ends[0] == 0, "expected how many links a level has");
  for (size_t level = 1; level < ends.size(); ++level)
    walk.expect(ends[level] > ends[level - 1] && ends[level] <= 1 << 20, "expected how many links a level has");
  walk.expect(probabilities.size() < ends.size(), "expected links for each level");

  const auto levels = walk.vector<int32_t>();
  walk.expect(levels.size() == header.size, "expected a level for each row");
  for (const int32_t level : levels)
    walk.expect(level >= 1 && static_cast<size_t>(level) < ends.size(), "expected levels that there are");
  walk.expect(walk.number<uint64_t>() == header.size + 1, "expected where each row's links begin");
  uint64_t links = 0;
  walk.expect(walk.number<uint64_t>() == links, "expected links from the first on");
  for (const int32_t level : levels) {
    links += static_cast<uint64_t>(ends[static_cast<size_t>(level)]);
    walk.expect(walk.number<uint64_t>() == links, "expected where each row's links begin");
  }
  walk.expect(walk.number<uint64_t>() == links, "expected the links of each row");
  for (const int32_t row_levels : levels) {
    for (int32_t level = 0; level < row_levels; ++level) {
      const auto count = static_cast<size_t>(ends[static_cast<size_t>(level) + 1] - ends[static_cast<size_t>(level)]);
      for (const auto row : walk.numbers<int32_t>(count))
        walk.expect(row == -1 || (row >= 0 && static_cast<size_t>(row) < levels.size() &&
                                  levels[static_cast<size_t>(row)] > level),
                    "expected links to rows of the level");
    }
  }
  const auto entry = walk.number<int32_t>();
  const auto highest = walk.number<int32_t>();
  walk.expect(levels.empty() ? entry == -1
                             : entry >= 0 && static_cast<size_t>(entry) < levels.size() && highest >= 0 &&
                                   levels[static_cast<size_t>(entry)] > highest,
              "expected an entry to the graph");
  walk.expect(walk.number<int32_t>() >= 1 && walk.number<int32_t>() >= 1 && walk.number<int32_t>() == 1,
              "expected the usual way to search a graph");
  const Header rows = check_index(walk, "IxFI IxFl IxSQ");
  walk.expect(rows.dimensions == header.dimensions && rows.size == header.size && rows.is_trained == header.is_trained,
              "expected the rows of the graph");
  return header;
}

Header check_rotated(Walk &walk) {
  const Header header = check_header(walk);
  const auto count = walk.number<int32_t>();
  walk.expect(count >= 1 && count <= 8, "expected 1 to 8 rotations");
  size_t dimensions = header.dimensions;
  for (int32_t i = 0; i < count; ++i) {
    const std::string kind = walk.tag();
    walk.expect(kind == "LTra" || kind == "rrot", "expected a rotation (OPQ, RR)");
    walk.expect(!walk.flag(), "expected a rotation without a bias");
    const auto values = walk.number<uint64_t>();
    walk.skip(values, sizeof(float));
    walk.expect(walk.number<uint64_t>() == 0, "expected a rotation without a bias");
    const auto in = walk.number<int32_t>();
    const auto out = walk.number<int32_t>();
    const bool is_trained = walk.flag();
    walk.expect(in >= 1 && out >= 1 && out <= 1 << 20 && static_cast<size_t>(in) == dimensions,
                "expected rotations of the index's dimensions");
    walk.expect(is_trained || !header.is_trained, "expected a trained rotation");
    walk.expect((values == 0 && !is_trained) || values == static_cast<size_t>(in) * static_cast<size_t>(out),
                "expected the matrix of a rotation");
    dimensions = static_cast<size_t>(out);
  }
  const Header rotated = check_index(walk, "IxFI IxFl IxSQ IxPq IPfs IHNf IHNs IwFl IwSq IwPQ IwPf");
  walk.expect(rotated.dimensions == dimensions && rotated.size == header.size &&
                  (rotated.is_trained || !header.is_trained),
              "expected the rows of the index after its rotations");
  return header;
}

Header check_refined(Walk &walk) {
  const Header header = check_header(walk);
  const Header base = check_index(walk, "IxFI IxFl IxSQ IxPq IPfs IHNf IHNs IwFl IwSq IwPQ IwPf IxPT");
  const Header refinement = check_index(walk, "IxFI IxFl IxSQ");
  for (const Header &part : {base, refinement})
    walk.expect(part.dimensions == header.dimensions && part.size == header.size &&
                    (part.is_trained || !header.is_trained),
                "expected the rows of the index before and in its refinement");
  const auto factor = walk.number<float>();
  walk.expect(factor >= 1 && factor <= 1e6f, "expected a factor of refinement of at least 1");
  return header;
}

// `allowed`: the tags of what may stand here.
Header check_index(Walk &walk, const std::string &allowed) {
  const std::string tag = walk.tag();
  if (allowed.find(tag) == std::string::npos) {
    if (tag == "IxF2") walk.damaged("expected an index by inner product, got one by L2");
    walk.damaged("expected a Flat, SQ, PQ, HNSW or IVF index as this library makes them");
  }
  if (tag == "IxFI" || tag == "IxFl") return check_flat(walk);
  if (tag == "IxSQ") return check_scalar(walk);
  if (tag == "IxPq") return check_product(walk);
  if (tag == "IPfs") return check_fast(walk);
  if (tag == "IHNf" || tag == "IHNs") return check_graph(walk);
  if (tag == "IwFl") return check_flat_lists(walk);
  if (tag == "IwSq") return check_scalar_lists(walk);
  if (tag == "IwPQ") return check_product_lists(walk);
  if (tag == "IwPf") return check_fast_lists(walk);
  if (tag == "IxPT") return check_rotated(walk);
  if (tag == "IxRF") return check_refined(walk);
  walk.damaged("expected an index");
}

}  // namespace

void check_file(const std::string &file) {
  Walk walk(file);
  check_index(walk, "IxFI IxFl IxSQ IxPq IPfs IHNf IHNs IwFl IwSq IwPQ IwPf IxPT IxRF");
  walk.expect(walk.left() == 0, "expected the end of the file");
}
