#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace headroom {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool Close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

Error SystemError(const std::string& path) {
  const int code = errno;
  return Error(code == ENOENT ? Code::kNotFound : Code::kIo,
               path + ": " + std::generic_category().message(code));
}

// Reads up to `limit` bytes; sizes from stat() would be wrong for /proc and growing files.
Result<std::string> ReadUpTo(int fd, const std::string& path, size_t limit) {
  std::string content;
  while (content.size() < limit) {
    const size_t old = content.size();
    content.resize(std::min(limit, old + std::max<size_t>(old, 4096)));
    const ssize_t count = ::read(fd, content.data() + old, content.size() - old);
    content.resize(old + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count == 0) break;
    if (count < 0 && errno != EINTR) return SystemError(path);
  }
  return content;
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes the rename itself durable. Some file systems refuse to sync a folder; the file is there.
void SyncFolder(const std::string& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());
}

// Unique among live processes and threads; a leftover of a crashed process with our pid is
// replaced.
std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> counter = 0;
  return path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(path);
  // One byte more tells "exactly the limit" from "over it".
  auto content = ReadUpTo(fd.get(), path, std::min(max_bytes, SIZE_MAX - 1) + 1);
  if (content && content->size() > max_bytes) {
    return Error(Code::kTooLarge,
                 path + ": larger than the limit of " + std::to_string(max_bytes) + " bytes");
  }
  return content;
}

Result<std::string> ReadToken(const std::string& path) {
  constexpr size_t kMaxToken = 64u << 10;
  auto text = ReadFile(path, kMaxToken);
  if (text) text->erase(text->find_last_not_of(" \t\r\n") + 1);
  return text;
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = TemporaryName(path);
  ::unlink(temporary.c_str());
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                       static_cast<mode_t>(mode)));
  if (fd.get() < 0) return SystemError(temporary);
  const bool written = WriteAll(fd.get(), content) && ::fsync(fd.get()) == 0 && fd.Close() &&
                       ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    const Error error = SystemError(path);
    ::unlink(temporary.c_str());
    return error;
  }
  SyncFolder(FolderOf(path));
  return {};
}

}  // namespace headroom
