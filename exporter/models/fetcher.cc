#include "exporter/models/fetcher.h"

#include <algorithm>
#include <chrono>

#include "common/files.h"
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

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
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
Result<std::string> Fetcher::TokenFor(const sources::Source& source) const {
  if (options_.token_file.empty() || source.url.host != kHub) return std::string();
  auto token = ReadFile(options_.token_file, 64 << 10);
  if (!token) return token.error().Within("--hf-token-file");
  return Trimmed(std::move(*token));
}

asio::awaitable<Result<sources::ModelHeader>> Fetcher::ReadHeader(sources::Source source) {
  auto token = TokenFor(source);
  if (!token) co_return token.error();
  const std::string name = sources::Describe(source);
  auto header = co_await sources::ReadRemoteHeader(client_, options_.policy, std::move(source),
                                                   std::move(*token), net::After(kHeaderTimeout));
  if (!header) co_return header.error().Within(name);
  co_return header;
}

asio::awaitable<Result<void>> Fetcher::Fetch(sources::Source source, std::string sha256,
                                             Progress progress) {
  const std::shared_ptr<Turn> turn = turn_;
  while (turn->taken) co_await turn->freed.Wait(net::After(kTurnPoll));
  const Held held(turn);
  sources::DownloadOptions options;
  auto token = TokenFor(source);
  if (!token) co_return token.error();
  options.bearer = std::move(*token);
  options.sha256 = std::move(sha256);
  options.on_progress = std::move(progress);
  std::string store = options_.store_dir;
  auto got = co_await sources::DownloadSource(client_, options_.policy, std::move(store),
                                              std::move(source), std::move(options));
  if (!got) co_return got.error();
  co_return Result<void>();
}

}  // namespace headroom::exporter
