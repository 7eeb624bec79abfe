#include "sources/download.h"

#include <filesystem>
#include <memory>

#include "sources/guarded_get.h"
#include "sources/hash_file.h"
#include "sources/store_file.h"
#include "sources/store_path.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

constexpr uint64_t kMagicBytes = 4;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// One attempt; the callbacks of the transfer write here.
struct Attempt {
  Attempt(std::shared_ptr<PartialFile> f, const DownloadOptions& o)
      : file(std::move(f)), options(o), rate(Now(), o.idle_timeout, o.min_bytes_per_idle) {}
  std::shared_ptr<PartialFile> file;
  const DownloadOptions& options;
  StoredFile stored;
  DownloadStart start;
  DownloadRecord record;
  DiskLimits limits;
  RateFloor rate;
  bool magic_checked = false;
  bool useless = false;  // what is in the partial file can never become the file
};

Result<void> ReportProgress(const Attempt& attempt) {
  if (!attempt.options.on_progress) return {};
  const uint64_t bytes = attempt.file->size(), total = attempt.record.file_bytes;
  return attempt.options.on_progress({bytes, total, 1, 1, bytes, total});
}

Result<void> OnHead(Attempt& attempt, const net::HttpResponse& head) {
  const auto body = PlanBody(head, attempt.start, attempt.stored, attempt.limits);
  if (!body) {
    attempt.useless = body.error().code() == Code::kConflict;
    return body.error();
  }
  attempt.record = body->record;
  attempt.rate = RateFloor(Now(), attempt.options.idle_timeout, attempt.options.min_bytes_per_idle);
  auto begun = attempt.file->Begin(body->from, body->record);
  if (!begun) return begun;
  return ReportProgress(attempt);
}

Result<void> CheckMagicOnce(Attempt& attempt) {
  if (attempt.magic_checked || attempt.file->size() < kMagicBytes) return {};
  attempt.magic_checked = true;
  auto magic = attempt.file->CheckMagic();
  if (!magic) attempt.useless = true;
  return magic;
}

Result<void> OnData(Attempt& attempt, std::string_view data) {
  if (data.size() > attempt.record.file_bytes - attempt.file->size()) {
    attempt.useless = true;
    return Error(Code::kConflict, "the host sent more bytes than it announced");
  }
  if (auto written = attempt.file->Append(data); !written) return written;
  if (auto magic = CheckMagicOnce(attempt); !magic) return magic;
  if (auto wanted = ReportProgress(attempt); !wanted) return wanted;
  if (attempt.rate.Add(data.size(), Now())) return {};
  return Error(Code::kTimeout, "the host sends too slowly; what was fetched is kept");
}

asio::awaitable<Result<void>> Transfer(net::HttpClient& client, const AddressPolicy& policy,
                                       net::Url url, Attempt& attempt) {
  GetTarget target(std::move(url), attempt.options.bearer);
  const GetTimes times{net::After(attempt.options.head_timeout), attempt.options.idle_timeout};
  GetHead on_head = [&attempt](const net::HttpResponse& head) { return OnHead(attempt, head); };
  net::HttpClient::OnData on_data = [&attempt](std::string_view data) {
    return OnData(attempt, data);
  };
  net::Headers range = attempt.start.RequestHeaders();
  auto got = co_await GuardedGet(client, policy, target, std::move(range), times,
                                 std::move(on_head), std::move(on_data));
  // Over TLS an end in the middle of the body is an error of the connection, as if it had never been.
  const bool begun = attempt.record.file_bytes > 0;
  const bool cut = !got && begun && got.error().code() == Code::kUnavailable;
  if (!got && !cut) co_return got;
  if (attempt.file->size() < attempt.record.file_bytes) {
    co_return Error(Code::kUnavailable, "the host closed the connection after " +
                                            std::to_string(attempt.file->size()) + " of " +
                                            std::to_string(attempt.record.file_bytes) +
                                            " bytes; what was fetched is kept");
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> SyncOnWorker(std::shared_ptr<PartialFile> file) {
  const auto result = std::make_shared<Result<void>>();
  std::function<void()> work = [file, result] { *result = file->Sync(); };
  co_await net::RunBlocking(std::move(work));
  co_return *result;
}

Error WrongSum(std::string_view expected, std::string_view found) {
  return Error(Code::kInvalid, "sha256 differs: expected " + std::string(expected) + ", found " +
                                   std::string(found) +
                                   "; the download was removed; correct spec.sha256 or the source");
}

// Every byte is there: checks, then the final name.
asio::awaitable<Result<void>> Complete(Attempt& attempt) {
  if (auto magic = attempt.file->CheckMagic(); !magic) {
    attempt.useless = true;
    co_return magic;
  }
  if (!attempt.options.sha256.empty()) {
    const auto sum = co_await HashFile(attempt.file->partial_path());
    if (!sum) co_return sum.error();
    attempt.useless = *sum != attempt.options.sha256;
    if (attempt.useless) co_return WrongSum(attempt.options.sha256, *sum);
    attempt.record.sha256 = *sum;
  }
  if (auto synced = co_await SyncOnWorker(attempt.file); !synced) co_return synced;
  co_return attempt.file->Publish(attempt.record);
}

// True: the file under the final name has the expected sum.
asio::awaitable<Result<bool>> VerifyWhole(std::string path, StoredFile& stored,
                                          std::string expected) {
  const auto sum = co_await HashFile(path);
  if (!sum) co_return sum.error();
  DownloadRecord record = stored.whole->record.value_or(DownloadRecord{});
  record.file_bytes = stored.whole->bytes;
  record.sha256 = *sum;
  stored.whole->record = record;
  if (auto written = WriteFinalRecord(path, record); !written) co_return written.error();
  co_return *sum == expected;
}

asio::awaitable<Result<void>> RunAttempt(net::HttpClient& client, const AddressPolicy& policy,
                                         net::Url url, std::string path, Attempt& attempt) {
  attempt.start = PlanDownload(attempt.stored, attempt.options.sha256);
  if (attempt.start.what == DownloadStart::Do::kUse) {  // somebody else was faster
    attempt.file->Discard();
    co_return Result<void>();
  }
  if (attempt.start.what == DownloadStart::Do::kVerifyPartial) {
    attempt.record = *attempt.stored.partial->record;
    co_return co_await Complete(attempt);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const auto free =
      attempt.options.free_bytes ? attempt.options.free_bytes(folder) : FreeDiskBytes(folder);
  if (!free) co_return free.error();
  attempt.limits = {*free, attempt.options.reserve_bytes, attempt.options.max_file_bytes};
  auto transferred = co_await Transfer(client, policy, std::move(url), attempt);
  if (!transferred) co_return transferred;
  co_return co_await Complete(attempt);
}

}  // namespace

int DownloadProgress::Percent() const {
  if (parts == 0 || part == 0) return 0;
  const double done = part_total == 0 ? 0.0 : static_cast<double>(part_bytes) / part_total;
  return static_cast<int>(100.0 * (part - 1 + done) / parts);
}

asio::awaitable<Result<std::string>> Download(net::HttpClient& client, const AddressPolicy& policy,
                                              net::Url url, std::string path,
                                              DownloadOptions options) {
  StoredFile stored = ScanStored(path);
  auto plan = PlanDownload(stored, options.sha256).what;
  if (plan == DownloadStart::Do::kVerifyWhole) {
    const auto same = co_await VerifyWhole(path, stored, options.sha256);
    if (!same) co_return same.error();
    if (*same) co_return path;
  }
  if (plan == DownloadStart::Do::kUse) co_return path;
  auto file = PartialFile::Open(path);
  if (!file) co_return file.error();
  Attempt attempt(std::move(*file), options);
  attempt.stored = ScanStored(path);  // as it is now that nobody else writes
  auto done = co_await RunAttempt(client, policy, std::move(url), path, attempt);
  if (!done && (attempt.useless || attempt.file->size() == 0)) attempt.file->Discard();
  if (!done) co_return done.error();
  co_return path;
}

namespace {

// Progress of one part as progress of the whole.
std::function<Result<void>(const DownloadProgress&)> PartProgress(
    const std::function<Result<void>(const DownloadProgress&)>& whole, uint64_t before,
    uint32_t part, uint32_t parts) {
  if (!whole) return nullptr;
  return [whole, before, part, parts](const DownloadProgress& one) {
    return whole({before + one.bytes, before + one.total, part, parts, one.bytes, one.total});
  };
}

}  // namespace

asio::awaitable<Result<std::string>> DownloadSource(net::HttpClient& client,
                                                    const AddressPolicy& policy, std::string store,
                                                    Source source, DownloadOptions options) {
  const auto files = StoreFiles(store, source);
  if (files.empty()) {
    co_return Error(Code::kUnsupported,
                    Describe(source) + ": is not fetched; use https:// or hf://");
  }
  if (files.size() > 1 && !options.sha256.empty()) {
    co_return Error(Code::kInvalid, "spec.sha256: is of one file, but " + Describe(source) +
                                        " has " + std::to_string(files.size()) +
                                        " parts; leave it out");
  }
  uint64_t before = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    DownloadOptions one = options;
    one.on_progress = PartProgress(options.on_progress, before, static_cast<uint32_t>(i + 1),
                                   static_cast<uint32_t>(files.size()));
    net::Url url = files[i].part.url;
    std::string path = files[i].path;
    const auto got =
        co_await Download(client, policy, std::move(url), std::move(path), std::move(one));
    if (!got) co_return got.error().Within(Describe(files[i].part));
    if (const auto stored = ScanStored(files[i].path); stored.whole) before += stored.whole->bytes;
  }
  co_return files.front().path;
}

}  // namespace headroom::sources
