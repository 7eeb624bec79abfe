#include "sources/range.h"

#include <charconv>

namespace headroom::sources {
namespace {

std::optional<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool Take(std::string_view& text, std::string_view literal) {
  if (!text.starts_with(literal)) return false;
  text.remove_prefix(literal.size());
  return true;
}

Error ForStatus(int status) {
  if (status == 401 || status == 403) {
    return Error(Code::kUnauthorized, "the host refuses access to the file (private or gated)");
  }
  if (status == 404 || status == 410) return Error(Code::kNotFound, "the host has no such file");
  if (status == 416) return Error(Code::kInvalid, "the file is shorter than its header says");
  if (status == 429) return Error(Code::kUnavailable, "the host limits requests now");
  if (status >= 500) return Error(Code::kUnavailable, "the host cannot answer now");
  return Error(Code::kInvalid, "the host's answer is no part of a file");
}

Result<RangeHead> ReadPartial(const net::HttpResponse& head, uint64_t begin) {
  const auto field = head.headers.Find("Content-Range");
  if (!field) return Error(Code::kInvalid, "the host answered a range without Content-Range");
  const auto range = ParseContentRange(*field);
  if (!range) return range.error();
  if (range->first != begin) {
    return Error(Code::kInvalid, "the host answered with another range than was asked for");
  }
  RangeHead out;
  out.file_bytes = range->total;
  out.length = range->last - range->first + 1;
  return out;
}

Result<RangeHead> ReadWhole(const net::HttpResponse& head, uint64_t begin) {
  if (begin != 0) {
    return Error(Code::kInvalid, "the host stopped answering ranges, or the file has changed");
  }
  RangeHead out;
  if (auto field = head.headers.Find("Content-Length")) {
    std::string_view text = *field;
    const auto length = TakeNumber(text);
    if (!length || !text.empty())
      return Error(Code::kInvalid, "the host's Content-Length is malformed");
    out.file_bytes = length;
    out.length = *length;
  }
  return out;
}

}  // namespace

Result<ContentRange> ParseContentRange(std::string_view text) {
  const Error bad(Code::kInvalid, "the host's Content-Range is malformed");
  ContentRange out;
  if (!Take(text, "bytes ")) return bad;
  const auto first = TakeNumber(text);
  if (!first || !Take(text, "-")) return bad;
  const auto last = TakeNumber(text);
  if (!last || *last < *first || !Take(text, "/")) return bad;
  if (!Take(text, "*")) {
    out.total = TakeNumber(text);
    if (!out.total || *last >= *out.total) return bad;
  }
  if (!text.empty() || *last - *first == UINT64_MAX) return bad;
  out.first = *first;
  out.last = *last;
  return out;
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<RangeHead> ReadRangeHead(const net::HttpResponse& head, uint64_t begin) {
  const int status = head.status;
  if (status != 200 && status != 206) return ForStatus(status);
  if (const auto encoding = head.headers.Find("Content-Encoding");
      encoding && *encoding != "identity") {
    return Error(Code::kInvalid, "the host sent an encoded body although none was asked for");
  }
  auto out = status == 206 ? ReadPartial(head, begin) : ReadWhole(head, begin);
  if (!out) return out;
  if (const auto etag = head.headers.Find("ETag")) out->etag = *etag;
  return out;
}

}  // namespace headroom::sources
