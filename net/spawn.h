// Spawn() with the child's output descriptors given. Internal to net/.
#pragma once

#include <unistd.h>

#include <utility>

#include "net/process.h"

namespace headroom::net {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// The file that takes a child's output: options.output_file, or /dev/null. Close-on-exec.
Result<FileDescriptor> OpenOutput(const SpawnOptions& options);

Result<pid_t> SpawnWith(const SpawnOptions& options, int stdout_fd, int stderr_fd);

}  // namespace headroom::net
