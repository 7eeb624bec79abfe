#include "net/http_writer.h"

#include <boost/beast/core/string.hpp>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace headroom::net {

namespace {

std::string_view Reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
  }
  return "Status";
}

void AppendNumber(std::string& out, uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// A value from outside (a file name, a peer's text) must not end its line.
void AppendClean(std::string& out, std::string_view text) {
  for (const char c : text) out += (c == '\r' || c == '\n' || c == '\0') ? ' ' : c;
}

bool IsFraming(std::string_view name) {
  using boost::beast::iequals;
  return iequals(name, "Content-Length") || iequals(name, "Connection") ||
         iequals(name, "Transfer-Encoding");
}

void AppendFields(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers.fields()) {
    if (IsFraming(name)) continue;
    AppendClean(out, name);
    out += ": ";
    AppendClean(out, value);
    out += "\r\n";
  }
}

// strftime's names follow the locale; the protocol's do not.
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

void AppendResponseHead(std::string& out, const HttpResponse& response,
                        const ResponseFraming& framing) {
  out += "HTTP/1.1 ";
  AppendNumber(out, static_cast<uint64_t>(response.status));
  out += ' ';
  out += Reason(response.status);
  out += "\r\n";
  if (!framing.date.empty()) {
    out += "Date: ";
    out += framing.date;
    out += "\r\n";
  }
  AppendFields(out, response.headers);
  if (framing.length && StatusHasBody(response.status)) {
    out += "Content-Length: ";
    AppendNumber(out, response.body.size());
    out += "\r\n";
  }
  if (framing.close) out += "Connection: close\r\n";
  out += "\r\n";
}

void AppendRequestHead(std::string& out, const HttpRequest& request, const Url& url, bool close) {
  AppendClean(out, request.method);
  out += ' ';
  AppendClean(out, url.target);
  out += " HTTP/1.1\r\n";
  if (!request.headers.Find("Host")) out += "Host: " + url.HostHeader() + "\r\n";
  if (!request.headers.Find("User-Agent")) out += "User-Agent: headroom/" HEADROOM_VERSION "\r\n";
  AppendFields(out, request.headers);
  const bool may_have_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (may_have_body || !request.body.empty()) {
    out += "Content-Length: ";
    AppendNumber(out, request.body.size());
    out += "\r\n";
  }
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
}

std::string FormatHttpDate(int64_t unix_seconds) {
  const auto time = static_cast<time_t>(unix_seconds);
  tm parts{};
  gmtime_r(&time, &parts);
  char rest[32];
  const size_t n = strftime(rest, sizeof rest, " %Y %H:%M:%S GMT", &parts);
  const std::string day = std::to_string(100 + parts.tm_mday).substr(1);
  return std::string(kDays[parts.tm_wday]) + ", " + day + " " + kMonths[parts.tm_mon] +
         std::string(rest, n);
}

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  char month[4] = "", end[4] = "";
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d %3s", &day, month, &year, &hour,
                  &minute, &second, end) != 7) {
    return std::nullopt;
  }
  for (int i = 0; i < 12; ++i) {
    if (std::string_view(month) != kMonths[i]) continue;
    tm parts{};
    parts.tm_year = year - 1900;
    parts.tm_mon = i;
    parts.tm_mday = day;
    parts.tm_hour = hour;
    parts.tm_min = minute;
    parts.tm_sec = second;
    const int64_t seconds = timegm(&parts);
    // The one form there is: no date that does not exist, no text behind it.
    return FormatHttpDate(seconds) == text ? std::optional(seconds) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace headroom::net
