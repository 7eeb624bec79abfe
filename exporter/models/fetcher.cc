#include "exporter/models/fetcher.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "common/files.h"
#include "common/log.h"
#include "common/quantity.h"
#include "sources/store_cleanup.h"
#include "sources/store_file.h"
#include "sources/store_path.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kHeaderTimeout{30};
constexpr std::chrono::hours kTurnPoll{1};
constexpr std::string_view kHub = "huggingface.co";

net::HttpClientOptions ClientOptions(const FetcherOptions& options) {
  net::HttpClientOptions client;
  client.tls = options.tls;
  client.address_guard = [&options](std::string_view host, std::string_view address) {
    return options.policy.CheckAddress(host, address);
  };
  return client;
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

struct Fetcher::Held {
  explicit Held(std::shared_ptr<Turn> t) : turn(std::move(t)) { turn->taken = true; }
  ~Held() {
    turn->taken = false;
    turn->freed.Notify();
  }
  Held(const Held&) = delete;
  std::shared_ptr<Turn> turn;
};

Fetcher::Fetcher(asio::any_io_executor executor, FetcherOptions options)
    : options_(std::move(options)), client_(executor, ClientOptions(options_)) {}

std::string Fetcher::PathOf(const sources::Source& source) const {
  const auto files = sources::StoreFiles(options_.store_dir, source);
  return files.empty() ? "" : files.front().path;
}

bool Fetcher::Has(const sources::Source& source, const std::string& sha256) const {
  const auto files = sources::StoreFiles(options_.store_dir, source);
  return !files.empty() && std::all_of(files.begin(), files.end(), [&](const auto& file) {
    const auto plan = sources::PlanDownload(sources::ScanStored(file.path), sha256);
    return plan.what == sources::DownloadStart::Do::kUse;
  });
}

// Other hosts of the allow-list have no business with the Hub's token.
Result<std::string> Fetcher::TokenFor(const sources::Source& source, std::string own) const {
  if (!own.empty()) return own;
  if (options_.token_file.empty() || source.url.host != kHub) return std::string();
  auto token = ReadToken(options_.token_file);
  if (!token) return token.error().Within("--hf-token-file");
  return token;
}

asio::awaitable<Result<sources::ModelHeader>> Fetcher::ReadHeader(sources::Source source,
                                                                  std::string own) {
  auto token = TokenFor(source, std::move(own));
  if (!token) co_return token.error();
  const std::string name = sources::Describe(source);
  auto header = co_await sources::ReadRemoteHeader(client_, options_.policy, std::move(source),
                                                   std::move(*token), net::After(kHeaderTimeout));
  if (!header) co_return header.error().Within(name);
  co_return header;
}

asio::awaitable<Result<void>> Fetcher::Fetch(Order order) {
  const std::shared_ptr<Turn> turn = turn_;
  while (turn->taken) co_await turn->freed.Wait(net::After(kTurnPoll));
  const Held held(turn);
  if (auto room = co_await MakeRoom(order); !room) co_return room;
  sources::DownloadOptions options;
  auto token = TokenFor(order.source, std::move(order.token));
  if (!token) co_return token.error();
  options.bearer = std::move(*token);
  options.sha256 = std::move(order.sha256);
  options.on_progress = std::move(order.progress);
  std::string store = options_.store_dir;
  auto got = co_await sources::DownloadSource(client_, options_.policy, std::move(store),
                                              std::move(order.source), std::move(options));
  if (!got) co_return got.error();
  co_return Result<void>();
}

namespace {

struct Cleanup {
  std::string store;
  uint64_t limit = 0, coming = 0;
  std::string target;  // folder of what is to come: its bytes are counted in `coming`
  std::set<std::string> in_use;
  sources::CleanupPlan plan;
};

// On the worker thread.
void CleanUp(Cleanup& work) {
  auto entries = sources::ScanStore(work.store);
  std::erase_if(entries, [&](const auto& entry) { return entry.folder == work.target; });
  work.plan = sources::PlanCleanup(std::move(entries), work.in_use, work.limit, work.coming);
  for (const std::string& folder : work.plan.remove) {
    const auto removed = sources::RemoveFromStore(work.store, folder);
    if (removed) {
      LogInfo("removed from the store to make room", {{"folder", folder}});
    } else {
      LogWarn("cannot remove from the store", {{"error", removed.error()}});
    }
  }
}

}  // namespace

asio::awaitable<Result<void>> Fetcher::MakeRoom(const Order& order) {
  if (options_.store_limit == 0) co_return Result<void>();
  const auto in_use = order.in_use();
  if (!in_use) {
    co_return Error(Code::kUnavailable,
                    "waiting until all models are known: the store has a limit (--store-limit)");
  }
  const auto work = std::make_shared<Cleanup>();
  work->store = options_.store_dir;
  work->limit = options_.store_limit;
  work->coming = order.bytes;
  work->target = FolderOf(PathOf(order.source));
  for (const std::string& path : *in_use) work->in_use.insert(FolderOf(path));
  std::function<void()> clean = [work] { CleanUp(*work); };
  co_await net::RunBlocking(std::move(clean));
  if (work->plan.enough) co_return Result<void>();
  co_return Error(Code::kUnavailable,
                  sources::Describe(order.source) + ": needs " + FormatBytes(order.bytes) +
                      " in the store, which holds " + FormatBytes(work->plan.bytes_after) +
                      " and may hold " + FormatBytes(work->limit) +
                      " (--store-limit); what else is there is in use or would not be enough");
}

void Fetcher::MarkUsed(const sources::Source& source) const {
  for (const auto& file : sources::StoreFiles(options_.store_dir, source)) {
    sources::MarkUsed(file.path);
  }
}

}  // namespace headroom::exporter
