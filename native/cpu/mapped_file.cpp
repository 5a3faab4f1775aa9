#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "last_error.h"

namespace ner_retriever {

namespace {

ner_status system_failure(const std::string &path, const char *verb, FileFault *fault) {
  const int error = errno;
  *fault = {path, error, std::string("cannot be ") + verb + ": " + std::strerror(error)};
  return fail(NER_FAILED, path + " " + fault->reason);
}

}  // namespace

ner_status damaged_file(const std::string &path, const std::string &reason, FileFault *fault) {
  *fault = {path, 0, reason};
  return fail(NER_DAMAGED, path + ": " + reason);
}

ner_status MappedFile::map(const std::string &path, size_t bytes, MappedFile *mapped, FileFault *fault) {
  MappedFile file;
  file.path_ = path;
  // Of a pipe, which is refused below, opening would wait for a writer.
  file.descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return system_failure(path, "opened", fault);
  struct stat status;
  if (fstat(file.descriptor_, &status) != 0) return system_failure(path, "asked for its length", fault);
  if (!S_ISREG(status.st_mode)) return damaged_file(path, "it is no regular file", fault);
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  file.bytes_ = bytes;
  const ner_status length = file.check_length(fault);
  if (length != NER_OK) return length;
  if (bytes > 0) {
    void *data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.descriptor_, 0);
    if (data == MAP_FAILED) return system_failure(path, "mapped", fault);
    file.data_ = data;
  }
  *mapped = std::move(file);
  return NER_OK;
}

ner_status MappedFile::check_length(FileFault *fault) const {
  struct stat status;
  if (fstat(descriptor_, &status) != 0) return system_failure(path_, "asked for its length", fault);
  if (static_cast<uint64_t>(status.st_size) >= bytes_) return NER_OK;
  return damaged_file(path_,
                      "it is too short: expected at least " + std::to_string(bytes_) + " bytes, got " +
                          std::to_string(status.st_size),
                      fault);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, bytes_);
  if (descriptor_ >= 0) close(descriptor_);
}

void MappedFile::swap(MappedFile &other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

}  // namespace ner_retriever
