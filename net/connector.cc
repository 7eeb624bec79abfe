#include "net/connector.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

namespace headroom::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// getaddrinfo cannot be interrupted, so the coroutine waits on a timer instead and may leave the
// lookup behind; the handler keeps what it writes to.
struct Lookup {
  explicit Lookup(asio::any_io_executor executor, Deadline deadline)
      : resolver(executor), done(executor, deadline) {}
  tcp::resolver resolver;
  asio::steady_timer done;
  bool finished = false;
  error_code error;
  std::vector<asio::ip::address> addresses;
};

void OnResolved(Lookup& lookup, error_code error, const tcp::resolver::results_type& results) {
  lookup.finished = true;
  lookup.error = error;
  if (!error) {
    for (const auto& entry : results) lookup.addresses.push_back(entry.endpoint().address());
  }
  lookup.done.cancel();
}

asio::awaitable<Result<std::vector<asio::ip::address>>> Resolve(std::string host,
                                                                Deadline deadline) {
  error_code ec;
  const auto literal = asio::ip::make_address(host, ec);
  if (!ec) co_return std::vector<asio::ip::address>{literal};

  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto lookup = std::make_shared<Lookup>(executor, deadline);
  auto on_resolved = [lookup](error_code error, tcp::resolver::results_type results) {
    OnResolved(*lookup, error, results);
  };
  lookup->resolver.async_resolve(host, "", std::move(on_resolved));
  const auto [waited] = co_await lookup->done.async_wait(kToken);
  if (!lookup->finished) {
    if (waited) throw boost::system::system_error(waited);  // cancelled
    co_return Error(Code::kTimeout, "looking up the name took too long");
  }
  if (lookup->error) {
    co_return Error(Code::kUnavailable, "cannot resolve the name: " + lookup->error.message());
  }
  co_return std::move(lookup->addresses);
}

// An equal share of what is left, so that one silent address does not use up the others' time.
Deadline Share(Deadline deadline, size_t addresses_left) {
  if (deadline == Deadline::max() || addresses_left <= 1) return deadline;
  const auto now = std::chrono::steady_clock::now();
  return now + (deadline - now) / static_cast<int64_t>(addresses_left);
}

}  // namespace

Result<void> CheckAddresses(std::string_view host, const std::vector<std::string>& addresses,
                            const AddressGuard& guard) {
  for (const auto& address : addresses) {
    if (!guard) break;
    auto allowed = guard(host, address);
    if (!allowed) return allowed;
  }
  return {};
}

asio::awaitable<Result<ByteStream>> Dial(std::string host, uint16_t port, const AddressGuard& guard,
                                         Deadline deadline) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto addresses = co_await Resolve(host, deadline);
  if (!addresses) co_return addresses.error();
  std::vector<std::string> texts;
  for (const auto& address : *addresses) texts.push_back(address.to_string());
  if (auto allowed = CheckAddresses(host, texts, guard); !allowed) co_return allowed.error();
  Error last(Code::kUnavailable, "the name has no address");
  size_t left = addresses->size();
  for (const auto& address : *addresses) {
    const Deadline share = Share(deadline, left--);
    ByteStream stream{tcp::socket(executor)};
    const tcp::endpoint endpoint(address, port);
    const auto connected = co_await stream.Connect(endpoint, share);
    if (connected) co_return std::move(stream);
    last = connected.error();
  }
  co_return last;
}

}  // namespace headroom::net
