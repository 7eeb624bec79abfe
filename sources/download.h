// Fetches a file, or all parts of a split, into a node's store: resumes by range, follows redirects
// through the address policy, and shows a file under its name only when length, GGUF magic and
// sha256 agree. One call is one attempt; IsRetryable(error) says whether another may succeed, and a
// dropped or failed call leaves what it got for the next. Nothing here is thread-safe; hashing and
// syncing happen on the worker thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/result.h"
#include "net/http_client.h"
#include "sources/address_policy.h"
#include "sources/download_plan.h"
#include "sources/source.h"

namespace headroom::sources {

struct DownloadProgress {
  uint64_t bytes = 0, total = 0;  // of all parts so far begun
  uint32_t part = 1, parts = 1;
  uint64_t part_bytes = 0, part_total = 0;
  int Percent() const;  // 0 to 100 over all parts, as if they were of one size
};

struct DownloadOptions {
  std::string bearer;  // sent to the source's own host only
  std::string sha256;  // as NormaliseSha256() gives it; "" = not checked
  std::chrono::milliseconds head_timeout{60'000};
  std::chrono::milliseconds idle_timeout{60'000};
  uint64_t min_bytes_per_idle = 1u << 20;  // less in one idle_timeout: a host that drips
  uint64_t reserve_bytes = 1u << 30;       // of the disk, for everybody else
  uint64_t max_file_bytes = UINT64_MAX;
  std::function<Result<uint64_t>(const std::string& folder)> free_bytes;  // null: statvfs
  // With every piece; an error ends the download and is returned.
  std::function<Result<void>(const DownloadProgress&)> on_progress;
};

// One file to `path`. Answers `path`.
boost::asio::awaitable<Result<std::string>> Download(net::HttpClient& client,
                                                     const AddressPolicy& policy, net::Url url,
                                                     std::string path, DownloadOptions options);

// A whole source, see StoreFiles(). Answers the first file's path; errors begin with the source.
boost::asio::awaitable<Result<std::string>> DownloadSource(net::HttpClient& client,
                                                           const AddressPolicy& policy,
                                                           std::string store, Source source,
                                                           DownloadOptions options);

}  // namespace headroom::sources
