// One byte stream over plain TCP or TLS, with a deadline on each await. Internal to net/: the HTTP
// server and client are made of it.
//
// One timer per connection, armed lazily: an operation only notes its deadline, and the timer is
// touched only when that lies before the moment it is already set for. On a busy keep-alive
// connection this is one timer operation every few seconds, not two per request.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "net/async.h"
#include "net/tls.h"

namespace headroom::net {

class ByteStream {
 public:
  explicit ByteStream(boost::asio::ip::tcp::socket socket);
  ~ByteStream();
  ByteStream(ByteStream&&) noexcept;
  ByteStream& operator=(ByteStream&&) noexcept;

  boost::asio::awaitable<Result<void>> Connect(boost::asio::ip::tcp::endpoint endpoint,
                                               Deadline deadline);
  // The stream keeps its context: a reload does not touch live connections.
  boost::asio::awaitable<Result<void>> AcceptTls(SslContext context, Deadline deadline);
  // Verifies the peer's certificate for `host` (a name or an IP address).
  boost::asio::awaitable<Result<void>> ConnectTls(SslContext context, std::string host,
                                                  Deadline deadline);

  // 0 = the peer ended the stream. kTimeout leaves the stream usable for a last answer.
  boost::asio::awaitable<Result<size_t>> ReadSome(boost::asio::mutable_buffer buffer,
                                                  Deadline deadline);
  boost::asio::awaitable<Result<void>> Write(std::string_view data, Deadline deadline);

  // Says goodbye (close_notify, FIN) and reads what the peer still sends, so that an answer is not
  // lost to a reset; then closes.
  boost::asio::awaitable<void> Shutdown(Deadline deadline);
  void Close();  // at once; awaits in progress fail

  // For a kept connection: nothing to read and not ended. What a peer says unasked ends it too.
  bool IsQuiet() const;

 private:
  struct Impl;
  // Shared only with the timer's handler, which may be queued when the stream goes.
  std::shared_ptr<Impl> impl_;
};

// Bytes read and not yet used: [begin, end) of one block that is reused.
class InputBuffer {
 public:
  std::string_view View() const { return {data_.data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void Consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for at least `size` more bytes; Commit() what was read into it.
  boost::asio::mutable_buffer Prepare(size_t size);
  void Commit(size_t n) { end_ += n; }

 private:
  std::string data_;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace headroom::net
