#include "net/http_server.h"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <utility>

#include "common/log.h"
#include "net/async.h"
#include "net/http_connection.h"
#include "net/task_group.h"

namespace headroom::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kQuiet{1};
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// After "too many open files" and the like: time for others to close some.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

std::string ToString(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

Result<tcp::endpoint> ToAddress(const Endpoint& listen) {
  error_code ec;
  if (listen.host.empty()) return tcp::endpoint(tcp::v6(), listen.port);  // both families
  if (listen.host == "localhost") {
    return tcp::endpoint(asio::ip::address_v4::loopback(), listen.port);
  }
  const auto address = asio::ip::make_address(listen.host, ec);
  if (ec) return Error(Code::kInvalid, "expected an IP address in front of the port");
  return tcp::endpoint(address, listen.port);
}

error_code Open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (ec) return ec;
  fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // children must not hold the port
  acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    acceptor.set_option(asio::ip::v6_only(false), ec);
  }
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(tcp::acceptor::max_listen_connections, ec);
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
  }
  return ec;
}

}  // namespace

struct HttpServer::State {
  State(asio::any_io_executor ex, HttpServerOptions o, HttpHandler h)
      : executor(ex),
        shared{std::move(o), std::move(h)},
        acceptor(ex),
        tasks(ex, TaskGroup::Mode::kIndependent) {}

  asio::any_io_executor executor;
  HttpShared shared;
  tcp::acceptor acceptor;
  std::string address;
  uint16_t port = 0;
  std::list<HttpConnection> connections;
  Notifier connection_ended;
  bool stopping = false;
  TaskGroup tasks;
};

namespace {

// A connection's place in the list, and its end; a parameter, so that it ends with a coroutine that
// never ran too.
class Place {
 public:
  Place(std::list<HttpConnection>& connections, Notifier& ended,
        std::list<HttpConnection>::iterator it)
      : connections_(&connections), ended_(&ended), it_(it) {}
  Place(Place&& other) noexcept
      : connections_(std::exchange(other.connections_, nullptr)),
        ended_(other.ended_),
        it_(other.it_) {}
  ~Place() {
    if (connections_ == nullptr) return;
    connections_->erase(it_);
    ended_->Notify();
  }
  HttpConnection& connection() { return *it_; }

 private:
  std::list<HttpConnection>* connections_;
  Notifier* ended_;
  std::list<HttpConnection>::iterator it_;
};

// Who gives way to a new connection: a caller that opens many and says little on each, or asks once
// and lingers, must not keep out those that ask. First what has brought no request for a while,
// then what has been quiet for a while, then whatever has brought none; always the longest first.
// Nothing that is being answered. nullptr: nobody.
HttpConnection* ToEvict(std::list<HttpConnection>& connections, SteadyTime now) {
  HttpConnection *untried = nullptr, *quiet = nullptr;
  for (HttpConnection& connection : connections) {
    if (connection.evicted || (connection.trusted && connection.busy)) continue;
    HttpConnection*& longest = connection.trusted ? quiet : untried;
    if (longest == nullptr || connection.active_at < longest->active_at) longest = &connection;
  }
  if (untried != nullptr && now - untried->active_at >= kQuiet) return untried;
  if (quiet != nullptr && now - quiet->active_at >= kQuiet) return quiet;
  return untried;
}

bool MakeRoom(std::list<HttpConnection>& connections, size_t max) {
  if (connections.size() < max) return true;
  size_t closing = 0;  // its place is free when its coroutine has ended, which is soon
  for (HttpConnection& connection : connections) {
    closing += connection.evicted ? 1 : 0;
  }
  if (connections.size() - closing < max) return true;
  HttpConnection* const victim = ToEvict(connections, std::chrono::steady_clock::now());
  if (victim == nullptr) return false;
  victim->evicted = true;
  victim->stream.Close();
  return true;
}

asio::awaitable<void> ServeAndForget(Place place) { co_await ServeConnection(place.connection()); }

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(asio::any_io_executor executor,
                                                       HttpServerOptions options,
                                                       HttpHandler handler) {
  const std::string subject = "--listen " + options.listen;
  const auto endpoint = ParseEndpoint(options.listen);
  if (!endpoint) return endpoint.error().Within(subject);
  const auto address = ToAddress(*endpoint);
  if (!address) return address.error().Within(subject);
  auto state = std::make_unique<State>(executor, std::move(options), std::move(handler));
  error_code ec = Open(state->acceptor, *address);
  if (ec == asio::error::address_family_not_supported && endpoint->host.empty()) {
    ec = Open(state->acceptor, tcp::endpoint(tcp::v4(), endpoint->port));  // a host without IPv6
  }
  if (ec) return Error(Code::kIo, subject + ": " + ec.message());
  const tcp::endpoint bound = state->acceptor.local_endpoint(ec);
  state->address = ToString(bound);
  state->port = bound.port();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return state_->port; }
std::string HttpServer::address() const { return state_->address; }
std::string HttpServer::url() const {
  return (state_->shared.options.tls != nullptr ? "https://" : "http://") + state_->address;
}
size_t HttpServer::connections() const { return state_->connections.size(); }

asio::awaitable<void> HttpServer::AcceptLoop(State& state) {
  while (!state.stopping) {
    tcp::socket socket(state.executor);
    tcp::endpoint peer;
    const auto [ec] = co_await state.acceptor.async_accept(socket, peer, kToken);
    if (state.stopping) co_return;
    if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
    if (ec == asio::error::connection_aborted) continue;
    if (ec) {
      LogWarn("cannot accept a connection", {{"listen", state.address}, {"error", ec.message()}});
      co_await SleepFor(kAcceptPause);
      continue;
    }
    if (!MakeRoom(state.connections, state.shared.options.max_connections)) continue;  // closes it
    const auto it = state.connections.emplace(state.connections.end(), state.shared,
                                              std::move(socket), ToString(peer));
    state.tasks.Spawn(ServeAndForget(Place(state.connections, state.connection_ended, it)));
  }
}

asio::awaitable<void> HttpServer::Run() {
  std::exception_ptr error;
  try {
    co_await AcceptLoop(*state_);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    co_await asio::this_coro::reset_cancellation_state();
    state_->tasks.Cancel();
    error_code ignored;
    state_->acceptor.close(ignored);
  }
  co_await state_->tasks.Join();
  if (error) std::rethrow_exception(error);
}

void HttpServer::StartDraining() { state_->shared.draining = true; }

asio::awaitable<void> HttpServer::Stop(std::chrono::milliseconds grace) {
  const Deadline deadline = After(grace);
  StartDraining();
  state_->stopping = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  for (auto& connection : state_->connections) {
    if (!connection.busy) connection.stream.Close();
  }
  bool in_time = true;
  while (in_time && !state_->connections.empty()) {
    in_time = co_await state_->connection_ended.Wait(deadline);
  }
  state_->tasks.Cancel();
  while (!state_->connections.empty()) co_await state_->connection_ended.Wait(Deadline::max());
}

}  // namespace headroom::net
