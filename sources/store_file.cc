#include "sources/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/files.h"

namespace headroom::sources {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr size_t kMaxRecord = 64u << 10;

std::string PartialOf(const std::string& path) { return path + ".partial"; }
std::string RecordOf(const std::string& path) { return path + ".json"; }

Error FileError(const std::string& path, int error) {
  std::string text = path + ": " + std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT) {
    text += "; what was fetched is kept, free some space and it goes on";
  }
  return Error(Code::kIo, std::move(text));
}

std::optional<StoredFile::Piece> ScanPiece(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  StoredFile::Piece piece;
  piece.bytes = static_cast<uint64_t>(info.st_size);
  if (const auto text = ReadFile(RecordOf(path), kMaxRecord)) piece.record = ParseRecord(*text);
  return piece;
}

// A rename is durable only when its folder is.
Result<void> SyncFolder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(folder, errno);
  const int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  // Some file systems refuse to sync a folder; the file is there.
  if (failed != 0 && failed != EINVAL) return FileError(folder, failed);
  return {};
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

StoredFile ScanStored(const std::string& path) {
  return {ScanPiece(path), ScanPiece(PartialOf(path))};
}

Result<uint64_t> FreeDiskBytes(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return FileError(folder, errno);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<void> WriteFinalRecord(const std::string& path, const DownloadRecord& record) {
  return WriteFileAtomically(RecordOf(path), FormatRecord(record));
}

PartialFile::PartialFile(std::string path, int fd)
    : path_(std::move(path)), partial_(PartialOf(path_)), fd_(fd) {}

PartialFile::~PartialFile() { ::close(fd_); }

Result<std::shared_ptr<PartialFile>> PartialFile::Open(std::string path) {
  const std::string folder = FolderOf(path), partial = PartialOf(path);
  std::error_code made;
  std::filesystem::create_directories(folder, made);
  if (made) return FileError(folder, made.value());
  const int fd = ::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return FileError(partial, errno);
  std::shared_ptr<PartialFile> file(new PartialFile(std::move(path), fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error(Code::kConflict, partial + ": another process fetches this file");
  }
  struct stat info {};
  if (::fstat(fd, &info) != 0) return FileError(partial, errno);
  file->size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

Result<void> PartialFile::Begin(uint64_t from, const DownloadRecord& record) {
  // Old bytes go before the new record comes: bytes never stand under another version's record.
  if (::ftruncate(fd_, static_cast<off_t>(from)) != 0) return FileError(partial_, errno);
  size_ = from;
  return WriteFileAtomically(RecordOf(partial_), FormatRecord(record));
}

Result<void> PartialFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return FileError(partial_, errno);
    bytes.remove_prefix(static_cast<size_t>(done));
    size_ += static_cast<uint64_t>(done);
  }
  return {};
}

Result<void> PartialFile::CheckMagic() const {
  char found[4] = {};
  if (::pread(fd_, found, sizeof found, 0) != static_cast<ssize_t>(sizeof found)) {
    return Error(Code::kInvalid, "the file is too short to be GGUF");
  }
  if (std::string_view(found, sizeof found) == kMagic) return {};
  std::string hex;
  for (const unsigned char c : found) {
    hex += "0123456789abcdef"[c >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  return Error(Code::kInvalid,
               "is no GGUF file: expected it to start with 47475546 (GGUF), found " + hex +
                   "; is the source a page instead of the file?");
}

Result<void> PartialFile::Sync() {
#ifdef F_FULLFSYNC
  // macOS's fsync() leaves the data in the drive's cache.
  if (::fcntl(fd_, F_FULLFSYNC) == 0) return {};
#endif
  if (::fsync(fd_) != 0) return FileError(partial_, errno);
  return {};
}

Result<void> PartialFile::Publish(const DownloadRecord& record) {
  // The record of a file that is replaced must not outlive it.
  ::unlink(RecordOf(path_).c_str());
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return FileError(path_, errno);
  if (auto synced = SyncFolder(FolderOf(path_)); !synced) return synced;
  ::unlink(RecordOf(partial_).c_str());
  return WriteFinalRecord(path_, record);
}

void PartialFile::Discard() {
  ::unlink(partial_.c_str());
  ::unlink(RecordOf(partial_).c_str());
}

}  // namespace headroom::sources
