#include "kube/client.h"

#include <boost/asio/awaitable.hpp>
#include <random>

#include "common/log.h"
#include "kube/api_status.h"
#include "kube/credentials.h"
#include "kube/watch_frames.h"
#include "net/http_client.h"
#include "net/http_writer.h"

namespace headroom::kube {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// An overloaded API server (429) is asked again this often before the caller hears of it.
constexpr int kRetryAfterAttempts = 5;
// Watches are renewed after 3 to 5 minutes; the silence allowed is a little more, so that a server
// that vanished without a FIN is noticed.
constexpr int kWatchSeconds = 180, kWatchJitterSeconds = 120;
constexpr auto kWatchGrace = 15s;

Result<Json> JsonOf(const net::HttpResponse& response, const JsonFields* fields = nullptr) {
  if (response.status >= 300) return ErrorFromResponse(response);
  if (fields != nullptr) return ParseJson(response.body, *fields);
  return ParseJson(response.body);
}

}  // namespace

struct ApiClient::State {
  State(asio::any_io_executor executor, Config c)
      : config(std::move(c)),
        credentials(config),
        http(std::move(executor),
             {.tls = {}, .tls_server_name = config.tls_server_name, .address_guard = {}}),
        random(std::random_device{}()) {}

  // Token and certificates as the files hold them now.
  Result<net::HttpRequest> Prepare(std::string method, const std::string& path);
  asio::awaitable<Result<net::HttpResponse>> Send(std::string method, std::string path,
                                                  std::string body, std::string content_type,
                                                  std::chrono::milliseconds timeout = kTimeout);

  void NoteTime(const net::HttpResponse& response);

  Config config;
  Credentials credentials;
  net::HttpClient http;
  std::minstd_rand random;
  std::optional<WallTime> server_time;  // of the last answer ...
  SteadyTime server_time_at;            // ... which came at this moment
};

void ApiClient::State::NoteTime(const net::HttpResponse& response) {
  const auto date = response.headers.Find("Date");
  const auto seconds = date ? net::ParseHttpDate(*date) : std::nullopt;
  if (!seconds) return;
  server_time = std::chrono::system_clock::from_time_t(static_cast<time_t>(*seconds));
  server_time_at = std::chrono::steady_clock::now();
}

Result<net::HttpRequest> ApiClient::State::Prepare(std::string method, const std::string& path) {
  const auto changed = credentials.Refresh();
  if (!changed) return changed.error();
  if (*changed && config.server.tls()) {
    auto context = net::MakeClientContext(credentials.tls());
    if (!context) return context.error().Within("credentials for the API server");
    http.SetTls(*context);
  }
  net::HttpRequest request;
  request.method = std::move(method);
  // A server with a path prefix (behind a proxy) keeps it in front of every path.
  std::string prefix = config.server.target;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  request.target = prefix + path;
  request.headers.Set("Accept", "application/json");
  request.headers.Set("User-Agent", "headroom/" HEADROOM_VERSION);
  const std::string& token = credentials.token();
  if (!token.empty()) request.headers.Set("Authorization", "Bearer " + token);
  return request;
}

asio::awaitable<Result<net::HttpResponse>> ApiClient::State::Send(
    std::string method, std::string path, std::string body, std::string content_type,
    std::chrono::milliseconds timeout) {
  for (int attempt = 1;; ++attempt) {
    auto request = Prepare(method, path);
    if (!request) co_return request.error();
    request->body = body;
    if (!content_type.empty()) request->headers.Set("Content-Type", content_type);
    net::Url url = config.server;
    url.target = request->target;
    auto response = co_await http.Fetch(std::move(url), std::move(*request), net::After(timeout));
    if (!response) co_return response.error();
    NoteTime(*response);
    const auto pause = RetryAfter(*response);
    if (!pause || attempt >= kRetryAfterAttempts) co_return response;
    co_await net::SleepFor(*pause);
  }
}

ApiClient::ApiClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiClient::~ApiClient() = default;

Result<std::unique_ptr<ApiClient>> ApiClient::Make(asio::any_io_executor executor, Config config) {
  auto state = std::make_unique<State>(std::move(executor), std::move(config));
  // Unreadable files are an error now, not at the first request.
  if (auto ready = state->Prepare("GET", "/"); !ready) return ready.error();
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(state)));
}

const Config& ApiClient::config() const { return state_->config; }

WallTime ApiClient::ServerTime() const {
  if (!state_->server_time) return std::chrono::system_clock::now();
  const auto since = std::chrono::steady_clock::now() - state_->server_time_at;
  return *state_->server_time + std::chrono::duration_cast<WallTime::duration>(since);
}

asio::awaitable<Result<Json>> ApiClient::Get(std::string path, std::chrono::milliseconds timeout,
                                             const JsonFields* fields) {
  const auto response = co_await state_->Send("GET", std::move(path), "", "", timeout);
  if (!response) co_return response.error();
  co_return JsonOf(*response, fields);
}

asio::awaitable<Result<Json>> ApiClient::Create(std::string path, Json object) {
  const auto response =
      co_await state_->Send("POST", std::move(path), WriteJson(object), "application/json");
  if (!response) co_return response.error();
  co_return JsonOf(*response);
}

asio::awaitable<Result<Json>> ApiClient::MergePatch(std::string path, Json patch,
                                                    std::chrono::milliseconds timeout) {
  const auto response = co_await state_->Send("PATCH", std::move(path), WriteJson(patch),
                                              "application/merge-patch+json", timeout);
  if (!response) co_return response.error();
  co_return JsonOf(*response);
}

asio::awaitable<Result<Json>> ApiClient::Update(std::string path, Json object) {
  const auto response =
      co_await state_->Send("PUT", std::move(path), WriteJson(object), "application/json");
  if (!response) co_return response.error();
  co_return JsonOf(*response);
}

asio::awaitable<Result<Json>> ApiClient::Apply(std::string path, Json object,
                                               std::string_view field_manager) {
  path += "?force=true&fieldManager=" + net::PercentEncode(field_manager);
  const auto response = co_await state_->Send("PATCH", std::move(path), WriteJson(object),
                                              "application/apply-patch+yaml");
  if (!response) co_return response.error();
  co_return JsonOf(*response);
}

asio::awaitable<Result<void>> ApiClient::Delete(std::string path) {
  const auto response = co_await state_->Send("DELETE", std::move(path), "", "");
  if (!response) co_return response.error();
  if (response->status < 300 || response->status == 404) co_return Result<void>();
  co_return ErrorFromResponse(*response);
}

asio::awaitable<Result<void>> ApiClient::Watch(std::string path, std::string resource_version,
                                               OnEvent on_event, const JsonFields* fields) {
  const int seconds = kWatchSeconds + static_cast<int>(state_->random() % kWatchJitterSeconds);
  path += path.find('?') == std::string::npos ? '?' : '&';
  path += "watch=1&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(seconds) +
          "&resourceVersion=" + net::PercentEncode(resource_version);
  auto request = state_->Prepare("GET", path);
  if (!request) co_return request.error();
  net::Url url = state_->config.server;
  url.target = request->target;

  WatchFrames frames;
  WatchFrames::OnLine on_line = [&on_event, fields](std::string_view line) -> Result<void> {
    auto event = DecodeWatchEvent(line, fields);
    if (!event) return event.error();
    return on_event(event->type, std::move(event->object));
  };
  net::HttpClient::OnHead on_head = [this](const net::HttpResponse& head) {
    state_->NoteTime(head);
    return head.status == 200;
  };
  net::HttpClient::OnData on_data = [&frames, &on_line](std::string_view data) {
    return frames.Feed(data, on_line);
  };
  const auto head = co_await state_->http.Stream(
      std::move(url), std::move(*request), net::After(kTimeout),
      std::chrono::seconds(seconds) + kWatchGrace, std::move(on_head), std::move(on_data));
  if (!head) co_return head.error();
  if (head->status != 200) co_return ErrorFromResponse(*head);
  if (frames.pending() > 0) {
    co_return Error(Code::kUnavailable, "watch " + path + ": cut within an object");
  }
  co_return Result<void>();
}

}  // namespace headroom::kube
