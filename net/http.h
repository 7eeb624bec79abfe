// HTTP/1.1 messages as plain structs. The codec behind them is Boost.Beast's parser and serializer,
// used without sockets, so that limits and odd input are tested as pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace headroom::net {

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void Set(std::string_view name, std::string_view value);  // replaces, names are case-insensitive
  void Add(std::string_view name, std::string_view value);
  std::optional<std::string_view> Find(std::string_view name) const;  // first of that name
  void Clear() { fields_.clear(); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as sent
  Headers headers;
  std::string body;
};

class BodyStream;  // net/body_stream.h

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
  // Set: the server sends what it yields after `body`, and the end of the connection is its end.
  std::shared_ptr<BodyStream> stream = {};
};

HttpResponse TextResponse(int status, std::string_view text);  // text/plain, newline added
HttpResponse JsonResponse(int status, std::string body);

// "/v1/header?path=%2Fa" -> path "/v1/header", query {path: "/a"}; percent-decoded, '+' is a blank
// in the query only.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string Get(std::string_view name) const;  // first value, or ""
};
Result<Target> ParseTarget(std::string_view target);
std::string PercentEncode(std::string_view text);  // everything but RFC 3986 unreserved

// An absolute http or https URL. Userinfo and fragments are refused; the host is lower-cased, an
// IPv6 literal has no brackets here; port is filled in from the scheme.
struct Url {
  std::string scheme, host, target = "/";
  uint16_t port = 0;
  bool tls() const { return scheme == "https"; }
  std::string HostHeader() const;  // host[:port], port only where it is not the default
  std::string ToString() const;
};
Result<Url> ParseUrl(std::string_view text);
// A Location header against the URL it came from (absolute, or path-absolute).
Result<Url> ResolveReference(const Url& base, std::string_view location);

// "HOST:PORT", ":PORT", "[::1]:PORT"; port 0 = any.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
};
Result<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace headroom::net
