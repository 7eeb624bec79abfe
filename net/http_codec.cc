#include "net/http_codec.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/version.hpp>
#include <limits>
#include <optional>
#include <type_traits>

namespace headroom::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

// What an idle connection may keep of a large body's memory.
constexpr size_t kKeptCapacity = 64 << 10;
// What a declared length may reserve before any of the bytes has arrived.
constexpr size_t kReservedAtOnce = 256 << 10;
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

template <bool kIsRequest>
using Message = std::conditional_t<kIsRequest, HttpRequest, HttpResponse>;

// A continuation line ("obs-fold") anywhere in a header section.
bool HasFoldedLine(std::string_view head) {
  for (size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) return true;
  }
  return false;
}

// Fills a message; one per message, because Beast's parser cannot be restarted.
template <bool kIsRequest>
class Machine final : public http::basic_parser<kIsRequest> {
  using Base = http::basic_parser<kIsRequest>;

 public:
  Machine(Message<kIsRequest>& message, HttpLimits limits) : message_(message), limits_(limits) {
    const size_t most = std::numeric_limits<uint32_t>::max();
    this->header_limit(static_cast<uint32_t>(std::min(limits.max_header_bytes, most)));
    if (limits.max_body_bytes == kNoLimit) {
      this->body_limit(boost::none);
    } else {
      this->body_limit(limits.max_body_bytes);
    }
  }

  // Consumes what it can; the error is clear when only more bytes are missing.
  size_t Feed(std::string_view input, error_code& ec) {
    size_t used = 0;
    while (!this->is_done() && used < input.size()) {
      const bool in_head = !this->is_header_done();
      const std::string_view rest = input.substr(used);
      if (AtChunkHeader() && rest.size() < kLeastChunk) break;
      const size_t n = this->put(asio::const_buffer(rest.data(), rest.size()), ec);
      used += n;
      if (ec == http::error::need_more) {
        ec = {};
        // Beast before 1.91 has no limit for a chunk's header line and the trailers.
        if (rest.size() - n > limits_.max_header_bytes) ec = http::error::header_limit;
        break;
      }
      if (!ec && in_head && this->is_header_done() && HasFoldedLine(rest.substr(0, n))) {
        ec = http::error::bad_field;
      }
      if (ec || n == 0) break;
    }
    return used;
  }

  bool expects_continue() const { return expects_continue_; }
  int version() const { return version_; }

 private:
  // The shortest end of a chunked body is "0", CRLF, CRLF. Asked twice about fewer bytes, Beast
  // fails an assertion (seen in Boost 1.81 and 1.83, basic_parser::parse_chunk_header).
  static constexpr size_t kLeastChunk = 5;
  bool AtChunkHeader() const {
    return this->is_header_done() && this->chunked() && chunk_left_ == 0;
  }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code& ec) override {
    if constexpr (kIsRequest) {
      message_.method.assign(method.data(), method.size());
      message_.target.assign(target.data(), target.size());
    }
    version_ = version;
    if (version != 10 && version != 11) ec = http::error::bad_version;
  }

  void on_response_impl(int status, beast::string_view, int version, error_code& ec) override {
    if constexpr (!kIsRequest) message_.status = status;
    version_ = version;
    if (version != 10 && version != 11) ec = http::error::bad_version;
  }

  void on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                     error_code& ec) override {
    if (head_seen_) return;  // trailers, before Boost 1.90
    if (name == http::field::content_length) {
      const auto digit = [](char c) { return c >= '0' && c <= '9'; };
      const bool number = !value.empty() && std::all_of(value.begin(), value.end(), digit);
      if (++lengths_ > 1 || !number) ec = http::error::bad_content_length;
    } else if (name == http::field::transfer_encoding) {
      const bool known = version_ == 11 && beast::iequals(value, "chunked");
      if (++encodings_ > 1 || !known) ec = http::error::bad_transfer_encoding;
    } else if (name == http::field::host) {
      ++hosts_;
    } else if (name == http::field::expect) {
      expects_continue_ = version_ == 11 && beast::iequals(value, "100-continue");
    }
    message_.headers.Add(std::string_view(text.data(), text.size()),
                         std::string_view(value.data(), value.size()));
  }

#if BOOST_VERSION >= 109000
  void on_trailer_field_impl(http::field, beast::string_view, beast::string_view,
                             error_code&) override {}
#endif

  void on_header_impl(error_code& ec) override {
    head_seen_ = true;
    if (lengths_ > 0 && encodings_ > 0) ec = http::error::bad_transfer_encoding;
    if (kIsRequest && (hosts_ > 1 || (version_ == 11 && hosts_ == 0))) ec = http::error::bad_field;
  }

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code& ec) override {
    if (!length) return;
    if (*length > limits_.max_body_bytes) {
      ec = http::error::body_limit;
    } else {
      message_.body.reserve(std::min<uint64_t>(*length, kReservedAtOnce));
    }
  }

  size_t on_body_impl(beast::string_view body, error_code& ec) override {
    if (body.size() > limits_.max_body_bytes - std::min(received_, limits_.max_body_bytes)) {
      ec = http::error::body_limit;
      return 0;
    }
    received_ += body.size();
    message_.body.append(body.data(), body.size());
    return body.size();
  }

  void on_chunk_header_impl(uint64_t size, beast::string_view, error_code&) override {
    chunk_left_ = size;
  }
  size_t on_chunk_body_impl(uint64_t left, beast::string_view body, error_code& ec) override {
    const size_t taken = on_body_impl(body, ec);
    chunk_left_ = left - taken;
    return taken;
  }
  void on_finish_impl(error_code&) override {}

  Message<kIsRequest>& message_;
  HttpLimits limits_;
  size_t received_ = 0;
  uint64_t chunk_left_ = 0;  // of the chunk that is being read
  int version_ = 11, lengths_ = 0, encodings_ = 0, hosts_ = 0;
  bool head_seen_ = false, expects_continue_ = false;
};

Error ToError(const error_code& ec, std::string_view what, const HttpLimits& limits) {
  if (ec == http::error::header_limit) {
    return Error(Code::kTooLarge, std::string(what) + " header is larger than " +
                                      std::to_string(limits.max_header_bytes) + " bytes");
  }
  if (ec == http::error::body_limit) {
    return Error(Code::kTooLarge, std::string(what) + " body is larger than " +
                                      std::to_string(limits.max_body_bytes) + " bytes");
  }
  return Error(Code::kInvalid, "malformed HTTP " + std::string(what) + ": " + ec.message());
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(HttpLimits l) : limits(l) { machine.emplace(request, limits); }
  HttpLimits limits;
  HttpRequest request;
  std::optional<Machine<true>> machine;
  int failure_status = 400;
};

RequestParser::RequestParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

void RequestParser::Reset() {
  HttpRequest& request = impl_->request;
  request.headers.Clear();
  request.body.clear();
  if (request.body.capacity() > kKeptCapacity) request.body.shrink_to_fit();
  impl_->machine.emplace(request, impl_->limits);
}

Result<size_t> RequestParser::Feed(std::string_view input) {
  error_code ec;
  const size_t used = impl_->machine->Feed(input, ec);
  if (!ec) return used;
  impl_->failure_status = 400;
  if (ec == http::error::header_limit) impl_->failure_status = 431;
  if (ec == http::error::body_limit) impl_->failure_status = 413;
  return ToError(ec, "request", impl_->limits);
}

int RequestParser::failure_status() const { return impl_->failure_status; }
bool RequestParser::head_done() const { return impl_->machine->is_header_done(); }
bool RequestParser::done() const { return impl_->machine->is_done(); }
// HTTP/1.0 clients get one answer per connection: keeping it alive would need another header.
bool RequestParser::keep_alive() const {
  return impl_->machine->version() == 11 && impl_->machine->keep_alive();
}
bool RequestParser::expects_continue() const { return impl_->machine->expects_continue(); }
const HttpRequest& RequestParser::request() const { return impl_->request; }

struct ResponseParser::Impl {
  Impl(HttpLimits l, bool head) : limits(l), to_head_request(head) { Restart(); }

  void Restart() {
    response = HttpResponse();
    machine.emplace(response, limits);
    machine->skip(to_head_request);
  }
  bool Interim() const {
    return machine->is_done() && response.status < 200 && response.status != 101;
  }

  HttpLimits limits;
  bool to_head_request;
  bool started = false;
  HttpResponse response;
  std::optional<Machine<false>> machine;
};

ResponseParser::ResponseParser(HttpLimits limits, bool to_head_request)
    : impl_(std::make_unique<Impl>(limits, to_head_request)) {}
ResponseParser::~ResponseParser() = default;

Result<size_t> ResponseParser::Feed(std::string_view input) {
  impl_->started = impl_->started || !input.empty();
  size_t used = 0;
  for (;;) {
    error_code ec;
    used += impl_->machine->Feed(input.substr(used), ec);
    if (ec) return ToError(ec, "response", impl_->limits);
    if (!impl_->Interim()) return used;
    impl_->Restart();
  }
}

Result<void> ResponseParser::FeedEof() {
  if (impl_->machine->is_done()) return {};
  if (!impl_->started || !impl_->machine->is_header_done() || !impl_->machine->need_eof()) {
    return Error(Code::kUnavailable, "the peer closed the connection before the response ended");
  }
  error_code ec;
  impl_->machine->put_eof(ec);
  if (ec) return ToError(ec, "response", impl_->limits);
  return {};
}

bool ResponseParser::head_done() const {
  return impl_->machine->is_header_done() && !impl_->Interim();
}
bool ResponseParser::done() const { return impl_->machine->is_done(); }
bool ResponseParser::started() const { return impl_->started; }
bool ResponseParser::keep_alive() const { return impl_->machine->keep_alive(); }
HttpResponse& ResponseParser::response() { return impl_->response; }

}  // namespace headroom::net
