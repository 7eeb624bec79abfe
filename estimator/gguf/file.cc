#include "estimator/gguf/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "estimator/gguf/reader.h"

namespace headroom::estimator {
namespace {

// pread instead of mmap: a file that shrinks while it is read is an error, not a SIGBUS.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

Error SystemError(const std::string& path) {
  const int code = errno;
  return Error(code == ENOENT ? Code::kNotFound : Code::kIo,
               path + ": " + std::string(std::strerror(code)));
}

struct Part {
  GgufHeader header;
  uint64_t file_bytes = 0;
};

Result<Part> ReadPart(const std::string& path) {
  const File file(path);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) return SystemError(path);
  if (!S_ISREG(info.st_mode)) return Error(Code::kInvalid, path + ": not a regular file");
  const auto size = static_cast<uint64_t>(info.st_size);
  GgufReader reader(size);
  std::string buffer;
  while (!reader.done()) {
    const auto want = reader.want();
    if (want.length == 0) break;
    buffer.resize(want.length);
    const ssize_t got =
        ::pread(file.fd(), buffer.data(), buffer.size(), static_cast<off_t>(want.offset));
    if (got < 0) return SystemError(path);
    if (got == 0) break;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    if (auto fed = reader.Feed(bytes); !fed) return fed.error().Within(path);
  }
  auto header = reader.Finish();
  if (!header) return header.error().Within(path);
  if (size < header->MinFileBytes()) {
    return Error(Code::kInvalid, path + ": truncated: " + std::to_string(size) +
                                     " bytes, the header"
                                     " describes " +
                                     std::to_string(header->MinFileBytes()));
  }
  return Part{std::move(*header), size};
}

}  // namespace

Result<GgufFile> ReadGgufFile(const std::string& path) {
  auto first = ReadPart(path);
  if (!first) return first.error();
  GgufFile file;
  const uint64_t count = first->header.Uint("split.count").value_or(1);
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  const auto name = ParseSplitName(std::string_view(path).substr(folder.size()));
  if (count > 1 && (!name || name->index != 1 || name->count != count)) {
    return Error(Code::kInvalid, path + ": part of a model split into " + std::to_string(count) +
                                     " files: name the first, NAME-00001-of-" +
                                     (count < 10 ? "0000" : "000") + std::to_string(count) +
                                     ".gguf");
  }
  file.file_bytes = first->file_bytes;
  file.parts.push_back(std::move(first->header));
  for (uint32_t i = 2; i <= count; ++i) {
    auto part = ReadPart(folder + name->Part(i));
    if (!part) return part.error();
    file.file_bytes += part->file_bytes;
    file.parts.push_back(std::move(part->header));
  }
  return file;
}

}  // namespace headroom::estimator
