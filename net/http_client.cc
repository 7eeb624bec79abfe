#include "net/http_client.h"

#include <boost/asio/this_coro.hpp>
#include <limits>
#include <map>

#include "net/connector.h"
#include "net/http_codec.h"
#include "net/http_writer.h"
#include "net/stream.h"

namespace headroom::net {

namespace asio = boost::asio;

namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kBodyReadBytes = 64 << 10;
constexpr size_t kJoinBytes = 64 << 10;
constexpr size_t kErrorBodyBytes = 64 << 10;
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
// Kept connections per peer, and for how long: below the 75 s and more after which servers close.
constexpr size_t kKeptPerPeer = 4;
constexpr auto kKeptFor = std::chrono::seconds(60);

bool IsIdempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

struct KeptStream {
  ByteStream stream;
  SteadyTime since;
};

}  // namespace

struct HttpClient::State {
  asio::any_io_executor executor;
  HttpClientOptions options;
  std::map<std::string, std::vector<KeptStream>> kept;  // by scheme://host:port

  std::optional<ByteStream> TakeKept(const std::string& peer);
  void Keep(const std::string& peer, ByteStream stream);
  Result<SslContext> Tls();
};

std::optional<ByteStream> HttpClient::State::TakeKept(const std::string& peer) {
  auto& streams = kept[peer];
  const auto now = std::chrono::steady_clock::now();
  while (!streams.empty()) {
    KeptStream newest = std::move(streams.back());
    streams.pop_back();
    if (now - newest.since < kKeptFor && newest.stream.IsQuiet()) return std::move(newest.stream);
  }
  return std::nullopt;
}

void HttpClient::State::Keep(const std::string& peer, ByteStream stream) {
  auto& streams = kept[peer];
  if (streams.size() >= kKeptPerPeer) streams.erase(streams.begin());
  streams.push_back({std::move(stream), std::chrono::steady_clock::now()});
}

Result<SslContext> HttpClient::State::Tls() {
  if (!options.tls) {
    auto made = MakeClientContext({});
    if (!made) return made.error();
    options.tls = *made;
  }
  return options.tls;
}

namespace {

std::string PeerOf(const Url& url) {
  return url.scheme + "://" + url.host + ":" + std::to_string(url.port);
}

asio::awaitable<Result<ByteStream>> Open(const HttpClientOptions& options, SslContext tls, Url url,
                                         Deadline deadline) {
  auto dialled = co_await Dial(url.host, url.port, options.address_guard, deadline);
  if (!dialled || !url.tls()) co_return dialled;
  const std::string name = options.tls_server_name.empty() ? url.host : options.tls_server_name;
  const auto shaken = co_await dialled->ConnectTls(tls, name, deadline);
  if (!shaken) co_return shaken.error();
  co_return dialled;
}

// One request on one connection: what is read so far, and the answer's parser.
struct Exchange {
  Exchange(ByteStream s, HttpLimits limits, bool to_head_request)
      : stream(std::move(s)), parser(limits, to_head_request) {}
  ByteStream stream;
  ResponseParser parser;
  InputBuffer input;
};

asio::awaitable<Result<void>> Send(Exchange& exchange, const HttpRequest& request, const Url& url,
                                   bool close, Deadline deadline) {
  std::string output;
  AppendRequestHead(output, request, url, close);
  if (request.body.size() <= kJoinBytes) {
    output += request.body;
    co_return co_await exchange.stream.Write(output, deadline);
  }
  auto head = co_await exchange.stream.Write(output, deadline);
  if (!head) co_return head;
  co_return co_await exchange.stream.Write(request.body, deadline);
}

// Feeds the parser one piece more.
asio::awaitable<Result<void>> ReadMore(Exchange& exchange, Deadline deadline) {
  const auto room =
      exchange.input.Prepare(exchange.parser.head_done() ? kBodyReadBytes : kReadBytes);
  const auto n = co_await exchange.stream.ReadSome(room, deadline);
  if (!n) co_return n.error();
  if (*n == 0) co_return exchange.parser.FeedEof();
  exchange.input.Commit(*n);
  const auto used = exchange.parser.Feed(exchange.input.View());
  if (!used) co_return used.error();
  exchange.input.Consume(*used);
  co_return Result<void>();
}

asio::awaitable<Result<void>> ReadWhole(Exchange& exchange, Deadline deadline) {
  while (!exchange.parser.done()) {
    auto more = co_await ReadMore(exchange, deadline);
    if (!more) co_return more;
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> ReadHead(Exchange& exchange, Deadline deadline) {
  while (!exchange.parser.head_done()) {
    auto more = co_await ReadMore(exchange, deadline);
    if (!more) co_return more;
  }
  co_return Result<void>();
}

// The body of an answer the caller did not want, for its error text; what is missing is left out.
asio::awaitable<void> ReadErrorBody(Exchange& exchange, Deadline deadline) {
  std::string& body = exchange.parser.response().body;
  while (!exchange.parser.done() && body.size() < kErrorBodyBytes) {
    const auto more = co_await ReadMore(exchange, deadline);
    if (!more) break;
  }
  if (body.size() > kErrorBodyBytes) body.resize(kErrorBodyBytes);
}

asio::awaitable<Result<void>> StreamBody(Exchange& exchange, std::chrono::milliseconds idle,
                                         const HttpClient::OnData& on_data) {
  std::string& body = exchange.parser.response().body;
  for (;;) {
    if (!body.empty()) {
      auto taken = on_data(body);
      if (!taken) co_return taken;
      body.clear();
    }
    if (exchange.parser.done()) co_return Result<void>();
    auto more = co_await ReadMore(exchange, After(idle));
    if (!more && !body.empty()) (void)on_data(body);  // what came before the cut still counts
    if (!more) co_return more;
  }
}

}  // namespace

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientOptions options)
    : state_(new State{std::move(executor), std::move(options), {}}) {}
HttpClient::~HttpClient() = default;

void HttpClient::SetTls(SslContext tls) {
  state_->options.tls = std::move(tls);
  state_->kept.clear();  // they speak with the old certificate
}

asio::awaitable<Result<HttpResponse>> HttpClient::Fetch(Url url, HttpRequest request,
                                                        Deadline deadline) {
  const std::string peer = PeerOf(url);
  const HttpLimits limits{state_->options.max_header_bytes, state_->options.max_body_bytes};
  SslContext tls;
  if (url.tls()) {
    auto made = state_->Tls();
    if (!made) co_return made.error().Within(url.ToString());
    tls = *made;
  }
  for (;;) {
    std::optional<ByteStream> kept = state_->TakeKept(peer);
    const bool reused = kept.has_value();
    if (!reused) {
      auto opened = co_await Open(state_->options, tls, url, deadline);
      if (!opened) co_return opened.error().Within(url.ToString());
      kept = std::move(*opened);
    }
    Exchange exchange(std::move(*kept), limits, request.method == "HEAD");
    auto result = co_await Send(exchange, request, url, false, deadline);
    if (result) result = co_await ReadWhole(exchange, deadline);
    if (result) {
      const bool keep = exchange.parser.keep_alive() && exchange.input.empty();
      // After SetTls() an exchange that was under way must not bring its old connection back.
      if (keep && tls == (url.tls() ? state_->options.tls : nullptr)) {
        state_->Keep(peer, std::move(exchange.stream));
      }
      co_return std::move(exchange.parser.response());
    }
    // The peer closed a kept connection just as we used it: not its answer to this request.
    const bool died = reused && !exchange.parser.started() && IsIdempotent(request.method) &&
                      result.error().code() == Code::kUnavailable;
    if (!died) co_return result.error().Within(url.ToString());
    state_->kept.erase(peer);
  }
}

asio::awaitable<Result<HttpResponse>> HttpClient::Stream(Url url, HttpRequest request,
                                                         Deadline head_deadline,
                                                         std::chrono::milliseconds idle,
                                                         OnHead on_head, OnData on_data) {
  SslContext tls;
  if (url.tls()) {
    auto made = state_->Tls();
    if (!made) co_return made.error().Within(url.ToString());
    tls = *made;
  }
  auto opened = co_await Open(state_->options, tls, url, head_deadline);
  if (!opened) co_return opened.error().Within(url.ToString());
  Exchange exchange(std::move(*opened), {state_->options.max_header_bytes, kNoLimit},
                    request.method == "HEAD");
  auto result = co_await Send(exchange, request, url, true, head_deadline);
  if (result) result = co_await ReadHead(exchange, head_deadline);
  if (!result) co_return result.error().Within(url.ToString());
  if (!on_head(exchange.parser.response())) {
    co_await ReadErrorBody(exchange, head_deadline);
    co_return std::move(exchange.parser.response());
  }
  result = co_await StreamBody(exchange, idle, on_data);
  if (!result) co_return result.error().Within(url.ToString());
  co_return std::move(exchange.parser.response());
}

}  // namespace headroom::net
