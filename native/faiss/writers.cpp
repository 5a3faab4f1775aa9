#include "writers.h"

#include <cerrno>
#include <cstring>

#include "failure.h"

size_t ByteCounter::operator()(const void *, size_t size, size_t count) {
  bytes += size * count;
  return count;
}

FileWriter::FileWriter(const std::string &file) : stream_(std::fopen(file.c_str(), "wb")) {
  name = file;
  if (stream_ == nullptr) throw Failure(NER_FAILED, "'" + name + "' could not be written: " + std::strerror(errno));
}

FileWriter::~FileWriter() noexcept {
  if (stream_ != nullptr) std::fclose(stream_);
}

size_t FileWriter::operator()(const void *values, size_t size, size_t count) {
  // An empty vector may have no memory at all, which fwrite must not be given.
  return count == 0 ? 0 : std::fwrite(values, size, count, stream_);
}

void FileWriter::finish() {
  std::FILE *stream = stream_;
  stream_ = nullptr;
  if (std::fclose(stream) != 0)
    throw Failure(NER_FAILED, "'" + name + "' could not be written: " + std::strerror(errno));
}
