#pragma once

#include <sys/types.h>

#include <string>

#include "ner_retriever/segment_index.h"

namespace ner_retriever {

// Fills in `fault` and gives NER_DAMAGED back, so that a check that fails ends in one line.
ner_status damaged_file(const std::string &path, const std::string &reason, FileFault *fault);

// The first bytes of a file, mapped to be read. The file stays open, so that its length can be asked for: another process
// may cut it, and memory that lies beyond the end must not be touched (SIGBUS).
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept { swap(other); }
  MappedFile &operator=(MappedFile &&other) noexcept {
    swap(other);
    return *this;
  }
  ~MappedFile();

  // NER_DAMAGED where the file is shorter; NER_FAILED, with the system's error, where it cannot be had.
  static ner_status map(const std::string &path, size_t bytes, MappedFile *mapped, FileFault *fault);

  const void *data() const noexcept { return data_; }
  size_t bytes() const noexcept { return bytes_; }
  // Whether both are of one file, whatever its name is today.
  bool same_file(const MappedFile &other) const noexcept { return device_ == other.device_ && inode_ == other.inode_; }
  // NER_DAMAGED where the file is shorter than what is mapped.
  ner_status check_length(FileFault *fault) const;

 private:
  void swap(MappedFile &other) noexcept;

  std::string path_;
  int descriptor_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  void *data_ = nullptr;  // null where there are no bytes
  size_t bytes_ = 0;
};

}  // namespace ner_retriever
