// Decisions of a download, apart from sockets and files: what lies in the store already, what to
// ask the host for, and what its answer means. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/time.h"
#include "net/http.h"

namespace headroom::sources {

// What is remembered beside a file: which version of it the bytes belong to.
struct DownloadRecord {
  std::string etag;         // "" = the host gave none
  uint64_t file_bytes = 0;  // of the whole file
  std::string sha256;       // once checked
  friend bool operator==(const DownloadRecord&, const DownloadRecord&) = default;
};
std::string FormatRecord(const DownloadRecord& record);
std::optional<DownloadRecord> ParseRecord(std::string_view json);  // nullopt: junk, start again

// What lies in the store: the file under its name, and a part of it (or of a newer one).
struct StoredFile {
  struct Piece {
    uint64_t bytes = 0;
    std::optional<DownloadRecord> record;
  };
  std::optional<Piece> whole, partial;
};

struct DownloadStart {
  enum class Do {
    kUse,            // the file is there and known to be right
    kVerifyWhole,    // it is there, but its sha256 was never taken
    kVerifyPartial,  // every byte is there, the checks are not done
    kRequest,        // ask the host, from `resume_from`
  };
  Do what = Do::kRequest;
  uint64_t resume_from = 0;
  std::string if_range;  // with resume_from: the version the partial file is of
  // Range and If-Range, or nothing for a whole file.
  net::Headers RequestHeaders() const;
};
// A whole file with another sha256 than expected is replaced when the new one is complete.
// Resumes only under a strong ETag: without one nobody can say that both halves are of one file.
DownloadStart PlanDownload(const StoredFile& stored, std::string_view expected_sha256);

struct DiskLimits {
  uint64_t free_bytes = UINT64_MAX;
  uint64_t reserve_bytes = 0;  // stays free
  uint64_t max_file_bytes = UINT64_MAX;
};

struct DownloadBody {
  uint64_t from = 0;  // 0 = what was there is thrown away
  DownloadRecord record;
};
// The head that answers `start`. Errors: kUnauthorized, kNotFound, kUnavailable (429, 5xx), kIo
// (not enough disk), kTooLarge (over max_file_bytes), kInvalid, and kConflict when the file at the
// host is no longer the one the partial file is of: that must go.
Result<DownloadBody> PlanBody(const net::HttpResponse& head, const DownloadStart& start,
                              const StoredFile& stored, const DiskLimits& limits);

// True when the same request may succeed later; false when the object must change first.
bool IsRetryable(const Error& error);

// "expected 64 hex digits"; "" and upper case are fine. The answer is lower case.
Result<std::string> NormaliseSha256(std::string_view text);

// Refuses a host that drips: less than `min_bytes` in a window. Silence is the idle timeout's.
class RateFloor {
 public:
  RateFloor(SteadyTime now, std::chrono::milliseconds window, uint64_t min_bytes)
      : window_(window), min_bytes_(min_bytes), since_(now) {}
  bool Add(uint64_t bytes, SteadyTime now);  // false: too slow

 private:
  std::chrono::milliseconds window_;
  uint64_t min_bytes_;
  SteadyTime since_;
  uint64_t bytes_ = 0;
};

}  // namespace headroom::sources
