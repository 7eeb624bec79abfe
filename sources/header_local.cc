#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sources/header_feed.h"
#include "sources/header_source.h"

namespace headroom::sources {
namespace {

constexpr size_t kChunk = 1u << 20;

Error FileError(const std::string& path, int error) {
  const Code code = error == ENOENT ? Code::kNotFound : Code::kIo;
  return Error(code, path + ": " + std::generic_category().message(error));
}

// A descriptor that closes itself.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct OpenFile {
  File file;
  uint64_t bytes;
  std::string revision;
};

std::string RevisionOf(const struct stat& info) {
#ifdef __APPLE__
  const auto& mtime = info.st_mtimespec;
#else
  const auto& mtime = info.st_mtim;
#endif
  return std::to_string(info.st_size) + "-" + std::to_string(mtime.tv_sec) + "." +
         std::to_string(mtime.tv_nsec);
}

// O_NONBLOCK: opening a FIFO must not hang; fstat then refuses it.
Result<OpenFile> Open(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) return FileError(path, errno);
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return FileError(path, errno);
  if (!S_ISREG(info.st_mode)) return Error(Code::kInvalid, path + ": is not a regular file");
  return OpenFile{std::move(file), static_cast<uint64_t>(info.st_size), RevisionOf(info)};
}

struct ReadPart {
  HeaderPart part;
  std::string bytes;  // from the start of the file, at least the header
};

Result<ReadPart> ReadOne(const std::string& path, bool keep_bytes) {
  auto open = Open(path);
  if (!open) return open.error();
  HeaderFeed feed(open->bytes);
  ReadPart out;
  std::string chunk(kChunk, '\0');
  uint64_t offset = 0;
  while (!feed.done()) {
    if (!keep_bytes && feed.NextOffset() > offset) {
      offset = feed.NextOffset();
      feed.SkipAhead();
    }
    const ssize_t got =
        ::pread(open->file.fd(), chunk.data(), chunk.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(path, errno);
    if (got == 0) break;
    const std::string_view bytes(chunk.data(), static_cast<size_t>(got));
    if (auto added = feed.Add(bytes); !added) return added.error().Within(path);
    if (keep_bytes) out.bytes.append(bytes);
    offset += bytes.size();
  }
  auto header = feed.Finish();
  if (!header) return header.error().Within(path);
  if (keep_bytes) out.bytes.resize(header->header_bytes);
  out.part = {std::move(*header), open->bytes, feed.received(), open->revision};
  return out;
}

}  // namespace

Result<ModelHeader> ReadLocalHeader(const std::string& path) {
  Source source;
  source.where = Source::Where::kNodeFile;
  source.path = path;
  std::vector<HeaderPart> parts;
  for (const Source& part : SplitParts(source)) {
    auto read = ReadOne(part.path, false);
    if (!read) return read.error();
    if (auto added = AddPart(parts, std::move(read->part)); !added) {
      return added.error().Within(path);
    }
  }
  auto model = AssembleModel(std::move(parts));
  if (!model) return model.error().Within(path);
  return model;
}

Result<RawHeader> ReadRawHeader(const std::string& path) {
  auto read = ReadOne(path, true);
  if (!read) return read.error();
  return RawHeader{std::move(read->bytes), *read->part.file_bytes, read->part.revision};
}

}  // namespace headroom::sources
