#pragma once

#include <faiss/impl/io.h>

#include <cstdio>
#include <string>

// Counts what FAISS would write.
struct ByteCounter final : faiss::IOWriter {
  size_t bytes = 0;

  size_t operator()(const void *values, size_t size, size_t count) override;
};

// Writes to a file. (FAISS's own prints an error of the last bytes, and goes on.)
class FileWriter final : public faiss::IOWriter {
 public:
  explicit FileWriter(const std::string &file);
  ~FileWriter() noexcept override;

  size_t operator()(const void *values, size_t size, size_t count) override;
  void finish();

 private:
  std::FILE *stream_;
};
