#include "net/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <cstring>
#include <optional>
#include <tuple>

namespace headroom::net {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// A composed operation can miss one cancellation between two of its steps; it is asked again.
constexpr auto kCancelAgain = std::chrono::milliseconds(50);
// What Shutdown() reads and drops at most.
constexpr size_t kLingerBytes = 1 << 20;

}  // namespace

struct ByteStream::Impl : std::enable_shared_from_this<ByteStream::Impl> {
  explicit Impl(tcp::socket s) : socket(std::move(s)), timer(socket.get_executor()) {}

  void SetTimer(Deadline at) {
    armed_for = at;
    timer.expires_at(at);
    timer.async_wait([weak = weak_from_this()](error_code ec) {
      if (ec) return;  // re-armed or destroyed
      if (const auto self = weak.lock()) self->OnTimer();
    });
  }

  void OnTimer() {
    armed_for = Deadline::max();
    if (deadline == Deadline::max()) return;
    const auto now = std::chrono::steady_clock::now();
    if (deadline > now) return SetTimer(deadline);
    timed_out = true;
    error_code ignored;
    socket.cancel(ignored);
    SetTimer(now + kCancelAgain);
  }

  // Marks an operation: its deadline counts from construction to destruction.
  class Watch {
   public:
    Watch(Impl& impl, Deadline at) : impl_(impl) {
      impl_.timed_out = false;
      impl_.deadline = at;
      if (at < impl_.armed_for) impl_.SetTimer(at);
    }
    ~Watch() { impl_.deadline = Deadline::max(); }

   private:
    Impl& impl_;
  };

  tcp::socket socket;
  SslContext context;
  std::optional<ssl::stream<tcp::socket&>> tls;
  asio::steady_timer timer;
  Deadline deadline = Deadline::max();   // of the operation in progress
  Deadline armed_for = Deadline::max();  // when the timer fires; max = it is not set
  bool timed_out = false;
};

namespace {

// What an operation's error means; a cancelled coroutine goes on as an exception.
asio::awaitable<Error> Explain(error_code ec, bool timed_out, std::string_view doing) {
  if (!timed_out && ec == asio::error::operation_aborted) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(ec);
    }
  }
  if (timed_out) co_return Error(Code::kTimeout, std::string(doing) + " took too long");
  co_return Error(Code::kUnavailable, std::string(doing) + ": " + ec.message());
}

bool IsEnd(error_code ec) { return ec == asio::error::eof || ec == asio::error::connection_reset; }

// OpenSSL's own words for a refused certificate ("self-signed certificate").
std::string VerifyProblem(ssl::stream<tcp::socket&>& tls) {
  const long result = SSL_get_verify_result(tls.native_handle());
  return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
}

}  // namespace

ByteStream::ByteStream(tcp::socket socket) : impl_(std::make_shared<Impl>(std::move(socket))) {
  if (!impl_->socket.is_open()) return;
  error_code ignored;
  impl_->socket.set_option(tcp::no_delay(true), ignored);
  impl_->socket.non_blocking(true, ignored);
  fcntl(impl_->socket.native_handle(), F_SETFD, FD_CLOEXEC);  // children must not hold it open
}

ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&&) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&&) noexcept = default;

asio::awaitable<Result<void>> ByteStream::Connect(tcp::endpoint endpoint, Deadline deadline) {
  const auto impl = impl_;
  error_code ec;
  impl->socket.open(endpoint.protocol(), ec);
  if (ec) co_return Error(Code::kUnavailable, "open a socket: " + ec.message());
  fcntl(impl->socket.native_handle(), F_SETFD, FD_CLOEXEC);
  {
    const Impl::Watch watch(*impl, deadline);
    std::tie(ec) = co_await impl->socket.async_connect(endpoint, kToken);
  }
  if (ec) co_return co_await Explain(ec, impl->timed_out, "connect");
  error_code ignored;
  impl->socket.set_option(tcp::no_delay(true), ignored);
  impl->socket.non_blocking(true, ignored);
  co_return Result<void>();
}

asio::awaitable<Result<void>> ByteStream::AcceptTls(SslContext context, Deadline deadline) {
  const auto impl = impl_;
  impl->context = std::move(context);
  impl->tls.emplace(impl->socket, *impl->context);
  error_code ec;
  {
    const Impl::Watch watch(*impl, deadline);
    std::tie(ec) = co_await impl->tls->async_handshake(ssl::stream_base::server, kToken);
  }
  if (ec) co_return co_await Explain(ec, impl->timed_out, "TLS handshake");
  co_return Result<void>();
}

asio::awaitable<Result<void>> ByteStream::ConnectTls(SslContext context, std::string host,
                                                     Deadline deadline) {
  const auto impl = impl_;
  impl->context = std::move(context);
  impl->tls.emplace(impl->socket, *impl->context);
  error_code ec;
  asio::ip::make_address(host, ec);
  if (ec) SSL_set_tlsext_host_name(impl->tls->native_handle(), host.c_str());  // names only
  const ssl::host_name_verification matches(host);
  impl->tls->set_verify_mode(ssl::verify_peer, ec);
  impl->tls->set_verify_callback(
      [matches](bool ok, ssl::verify_context& certificate) {
        const bool good = matches(ok, certificate);
        if (ok && !good) {
          X509_STORE_CTX_set_error(certificate.native_handle(), X509_V_ERR_HOSTNAME_MISMATCH);
        }
        return good;
      },
      ec);
  {
    const Impl::Watch watch(*impl, deadline);
    std::tie(ec) = co_await impl->tls->async_handshake(ssl::stream_base::client, kToken);
  }
  if (!ec) co_return Result<void>();
  const std::string problem = VerifyProblem(*impl->tls);
  if (!problem.empty()) {
    co_return Error(Code::kUnavailable,
                    "the certificate is not valid for " + host + ": " + problem);
  }
  co_return co_await Explain(ec, impl->timed_out, "TLS handshake");
}

asio::awaitable<Result<size_t>> ByteStream::ReadSome(asio::mutable_buffer buffer,
                                                     Deadline deadline) {
  const auto impl = impl_;
  error_code ec;
  size_t n = 0;
  {
    const Impl::Watch watch(*impl, deadline);
    if (impl->tls) {
      std::tie(ec, n) = co_await impl->tls->async_read_some(buffer, kToken);
    } else {
      std::tie(ec, n) = co_await impl->socket.async_read_some(buffer, kToken);
    }
  }
  if (n > 0) co_return n;
  if (IsEnd(ec)) co_return size_t{0};
  if (ec == ssl::error::stream_truncated) {
    co_return Error(Code::kUnavailable, "the connection was cut (TLS without close_notify)");
  }
  co_return co_await Explain(ec, impl->timed_out, "read");
}

asio::awaitable<Result<void>> ByteStream::Write(std::string_view data, Deadline deadline) {
  const auto impl = impl_;
  error_code ec;
  size_t n = 0;
  if (!impl->tls) {
    // Most answers fit the socket's buffer: no need to go through the scheduler.
    n = impl->socket.write_some(asio::buffer(data.data(), data.size()), ec);
    if (!ec && n == data.size()) co_return Result<void>();
    if (ec && ec != asio::error::would_block) co_return co_await Explain(ec, false, "write");
    data.remove_prefix(n);
  }
  {
    const Impl::Watch watch(*impl, deadline);
    const auto rest = asio::buffer(data.data(), data.size());
    if (impl->tls) {
      std::tie(ec, n) = co_await asio::async_write(*impl->tls, rest, kToken);
    } else {
      std::tie(ec, n) = co_await asio::async_write(impl->socket, rest, kToken);
    }
  }
  if (ec) co_return co_await Explain(ec, impl->timed_out, "write");
  co_return Result<void>();
}

asio::awaitable<void> ByteStream::Shutdown(Deadline deadline) {
  const auto impl = impl_;
  error_code ec;
  {
    const Impl::Watch watch(*impl, deadline);
    if (impl->tls) std::tie(ec) = co_await impl->tls->async_shutdown(kToken);
  }
  impl->socket.shutdown(tcp::socket::shutdown_send, ec);
  char dropped[4096];
  size_t total = 0;
  while (!ec && !impl->timed_out && total < kLingerBytes) {
    const Impl::Watch watch(*impl, deadline);
    size_t n = 0;
    std::tie(ec, n) = co_await impl->socket.async_read_some(asio::buffer(dropped), kToken);
    total += n;
  }
  Close();
}

void ByteStream::Close() {
  error_code ignored;
  impl_->socket.close(ignored);
}

bool ByteStream::IsQuiet() const {
  char byte;
  const ssize_t n =
      recv(impl_->socket.lowest_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

asio::mutable_buffer InputBuffer::Prepare(size_t size) {
  if (data_.size() - end_ < size && begin_ > 0) {
    std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (data_.size() - end_ < size) data_.resize(end_ + size);
  return asio::buffer(data_.data() + end_, data_.size() - end_);
}

}  // namespace headroom::net
