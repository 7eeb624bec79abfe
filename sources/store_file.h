// One file of the store on disk while it is fetched: PATH (complete and checked, or absent),
// PATH.partial, and a record beside each (PATH.json, PATH.partial.json). A crash at any point
// leaves a state that a later start understands.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "sources/download_plan.h"

namespace headroom::sources {

StoredFile ScanStored(const std::string& path);
Result<uint64_t> FreeDiskBytes(const std::string& folder);  // for an unprivileged process

// Owns PATH.partial for writing; locked, so that two processes never write one file. Closing keeps
// what was written.
class PartialFile {
 public:
  // Makes the folders. kConflict: another process fetches this file.
  static Result<std::shared_ptr<PartialFile>> Open(std::string path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // From now on the bytes are of `record`'s version, and go to `from`.
  Result<void> Begin(uint64_t from, const DownloadRecord& record);
  Result<void> Append(std::string_view bytes);
  uint64_t size() const { return size_; }
  // Ok when the file starts as GGUF does; needs four bytes.
  Result<void> CheckMagic() const;
  Result<void> Sync();  // blocks until the disk has it
  // Under the final name; the file there before is replaced.
  Result<void> Publish(const DownloadRecord& record);
  void Discard();  // removes partial file and record

  const std::string& partial_path() const { return partial_; }

 private:
  PartialFile(std::string path, int fd);
  std::string path_, partial_;
  int fd_;
  uint64_t size_ = 0;
};

// What is remembered of the file under its final name.
Result<void> WriteFinalRecord(const std::string& path, const DownloadRecord& record);

}  // namespace headroom::sources
