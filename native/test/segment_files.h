#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness.h"
#include "ner_retriever/pack_rows.h"
#include "ner_retriever/segment_index.h"

// Segments in files of a folder that goes with the case.

struct TemporaryFolder {
  std::filesystem::path path;

  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "segment-index-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

inline void write_file(const std::string &file, const std::string &bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

// A segment as a writer makes it: packed rows, appended to a file for each column.
struct Segment {
  ner_precision precision;
  size_t dimensions;
  ner_column columns[NER_MOST_COLUMNS];
  size_t column_count;
  std::vector<std::string> files;

  Segment(const std::filesystem::path &folder, const std::string &name, ner_precision kept, size_t d)
      : precision(kept), dimensions(d), column_count(ner_segment_columns(kept, d, columns)) {
    for (size_t column = 0; column < column_count; ++column) {
      files.push_back((folder / (name + "." + columns[column].name)).string());
      write_file(files.back(), "");
    }
  }

  ner_retriever::SegmentBlock append(const std::vector<float> &vectors, const std::vector<uint32_t> &documents) const {
    std::vector<std::vector<char>> bytes;
    std::vector<void *> pointers;
    for (size_t column = 0; column < column_count; ++column) {
      bytes.emplace_back(documents.size() * columns[column].row_bytes);
      pointers.push_back(bytes.back().data());
    }
    ner_retriever::SegmentBlock block = {documents.size(), std::vector<uint32_t>(column_count), 0};
    const ner_status status = ner_pack_rows(precision, dimensions, vectors.data(), documents.data(), documents.size(),
                                            pointers.data(), block.checksums.data(), &block.longest);
    CHECK(status == NER_OK, ner_last_error());
    for (size_t column = 0; column < column_count; ++column)
      std::ofstream(files[column], std::ios::binary | std::ios::app)
          .write(bytes[column].data(), static_cast<std::streamsize>(bytes[column].size()));
    return block;
  }
};

inline std::vector<uint32_t> each_its_own(size_t count, uint32_t first) {
  std::vector<uint32_t> documents(count);
  for (size_t i = 0; i < count; ++i) documents[i] = first + static_cast<uint32_t>(i);
  return documents;
}
