// Strings without escapes are taken 16 bytes at a time.
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#elif defined(__ARM_NEON)
#define RAPIDJSON_NEON
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stream.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "common/json_fields.h"
#include "common/utf8.h"

namespace headroom {
namespace {

using rapidjson::SizeType;

// Integers that fit 64 bits stay exact. strtod, not RapidJSON's own conversion: it is correctly
// rounded, and RapidJSON 1.1.0 overflows an int on "0.00…1e-2147483639".
std::optional<Json> NumberFromText(const char* text, size_t size) {
  const char* end = text + size;
  int64_t integer;
  auto parsed = std::from_chars(text, end, integer);
  if (parsed.ec == std::errc() && parsed.ptr == end) return Json(integer);
  uint64_t natural;
  parsed = std::from_chars(text, end, natural);
  if (parsed.ec == std::errc() && parsed.ptr == end) return Json(natural);
  const double real = std::strtod(std::string(text, size).c_str(), nullptr);
  if (!std::isfinite(real)) return std::nullopt;
  return Json(real);
}

// The first of equal names keeps its place and takes the value of the last.
void MergeDuplicates(Json::Object& object) {
  std::vector<size_t> order(object.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&object](size_t a, size_t b) { return object[a].first < object[b].first; });
  std::vector<bool> drop(object.size());
  for (size_t i = 0; i < order.size();) {
    size_t last = i;
    while (last + 1 < order.size() && object[order[last + 1]].first == object[order[i]].first) {
      drop[order[++last]] = true;
    }
    if (last != i) object[order[i]].second = std::move(object[order[last]].second);
    i = last + 1;
  }
  size_t kept = 0;
  for (size_t i = 0; i < object.size(); ++i) {
    if (drop[i]) continue;
    if (kept != i) object[kept] = std::move(object[i]);
    ++kept;
  }
  object.resize(kept);
}

// Pairwise is fastest for the usual handful of members; sorting bounds the cost of hostile ones.
bool HasDuplicates(const Json::Object& object) {
  if (object.size() > 16) return true;
  for (size_t i = 1; i < object.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (object[i].first == object[j].first) return true;
    }
  }
  return false;
}

// Collects finished values on one stack; the end of a container takes those that came after its
// beginning. What no field asks for is counted, so that depths are right, and dropped.
class Builder {
 public:
  // `fields` null: everything is kept.
  Builder(const JsonFields* fields, size_t max_depth) : fields_(fields), max_depth_(max_depth) {
    stack_.reserve(64);
    open_.reserve(16);
  }

  bool Null() { return Dropped() || Push(Json()); }
  bool Bool(bool value) { return Dropped() || Push(Json(value)); }
  bool Int(int value) { return Dropped() || Push(Json(value)); }
  bool Uint(unsigned value) { return Dropped() || Push(Json(value)); }
  bool Int64(int64_t value) { return Dropped() || Push(Json(value)); }
  bool Uint64(uint64_t value) { return Dropped() || Push(Json(value)); }
  bool Double(double value) { return Dropped() || Push(Json(value)); }
  bool RawNumber(const char* text, SizeType size, bool) {
    if (Dropped()) return true;
    auto number = NumberFromText(text, size);
    if (!number) return Fail(Code::kInvalid, "number too big to be stored in a double");
    return Push(std::move(*number));
  }
  bool String(const char* text, SizeType size, bool) {
    if (!CheckEscapes(text, size)) return false;
    return Dropped() || Push(Json(std::string(text, size)));
  }
  bool Key(const char* text, SizeType size, bool) {
    if (!CheckEscapes(text, size)) return false;
    if (skipping_ > 0) return true;
    below_ = fields_;
    if (fields_ != nullptr && !fields_->empty()) below_ = fields_->Find({text, size});
    drop_ = fields_ != nullptr && below_ == nullptr;
    if (!drop_) name_.assign(text, size);
    return true;
  }
  bool StartObject() { return Start(); }
  bool StartArray() { return Start(); }
  bool EndObject(SizeType) {
    if (skipping_ > 0) return Skipped();
    const auto from = stack_.begin() + static_cast<ptrdiff_t>(open_.back().first);
    Json::Object object(std::make_move_iterator(from), std::make_move_iterator(stack_.end()));
    if (HasDuplicates(object)) MergeDuplicates(object);
    return End(Json(std::move(object)));
  }
  bool EndArray(SizeType) {
    if (skipping_ > 0) return Skipped();
    const auto from = stack_.begin() + static_cast<ptrdiff_t>(open_.back().first);
    Json::Array array;
    array.reserve(static_cast<size_t>(stack_.end() - from));
    for (auto it = from; it != stack_.end(); ++it) array.push_back(std::move(it->second));
    return End(Json(std::move(array)));
  }

  Json TakeRoot() { return std::move(stack_.front().second); }
  const Error& error() const { return error_; }

 private:
  struct Open {
    size_t first;              // on the stack, of what is in the container
    const JsonFields* fields;  // of the container around it
  };

  // True for a value nobody wants.
  bool Dropped() { return skipping_ > 0 || std::exchange(drop_, false); }
  bool Push(Json value) {
    stack_.emplace_back(std::move(name_), std::move(value));
    name_.clear();
    return true;
  }
  // The container's place and name wait on the stack until its members are complete.
  bool Start() {
    if (open_.size() + skipping_ == max_depth_) {
      return Fail(Code::kTooLarge,
                  "nested deeper than the limit of " + std::to_string(max_depth_) + " levels");
    }
    if (Dropped()) {
      ++skipping_;
      return true;
    }
    Push(Json());
    open_.push_back({stack_.size(), fields_});
    fields_ = below_;
    return true;
  }
  bool End(Json value) {
    stack_.resize(open_.back().first);
    below_ = fields_ = open_.back().fields;
    open_.pop_back();
    stack_.back().second = std::move(value);
    return true;
  }
  bool Skipped() {
    --skipping_;
    return true;
  }
  // The input is valid UTF-8, so only a \u escape can produce a surrogate (ED A0..BF); RapidJSON
  // 1.1.0 lets a lone low one pass.
  bool CheckEscapes(const char* text, size_t size) {
    if (!std::memchr(text, 0xED, size) || IsUtf8({text, size})) return true;
    return Fail(Code::kInvalid, "the surrogate pair in string is invalid");
  }
  bool Fail(Code code, std::string message) {
    error_ = Error(code, std::move(message));
    return false;
  }

  Json::Object stack_;
  std::vector<Open> open_;
  const JsonFields* fields_;           // of the container that is open
  const JsonFields* below_ = fields_;  // of the value that comes next
  size_t max_depth_;
  size_t skipping_ = 0;  // containers that are open within a value that is dropped
  bool drop_ = false;    // the value that comes next is dropped
  std::string name_;
  Error error_;
};

Error At(size_t offset, Code code, std::string_view message) {
  return Error(code, "JSON: byte " + std::to_string(offset) + ": " + std::string(message));
}

Error SyntaxError(rapidjson::ParseErrorCode code, size_t offset, size_t size) {
  if (code == rapidjson::kParseErrorDocumentEmpty) {
    return Error(Code::kInvalid, "JSON: the document is empty");
  }
  std::string text = rapidjson::GetParseError_En(code);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  if (text.back() == '.') text.pop_back();
  if (offset >= size) text = "unexpected end of input: " + text;
  return At(offset, Code::kInvalid, text);
}

// One pass before parsing: RapidJSON takes NUL for the end of its input, and checks UTF-8 slowly.
const char* BadByte(std::string_view text) {
  const size_t valid = ValidUtf8Prefix(text);
  if (const void* nul = std::memchr(text.data(), 0, valid)) return static_cast<const char*>(nul);
  return valid == text.size() ? nullptr : text.data() + valid;
}

Result<Json> Parse(std::string_view text, const JsonFields* fields, const JsonLimits& limits) {
  if (text.empty()) return SyntaxError(rapidjson::kParseErrorDocumentEmpty, 0, 0);
  if (text.size() > limits.max_bytes) {
    return Error(Code::kTooLarge, "JSON: " + std::to_string(text.size()) + " bytes, the limit is " +
                                      std::to_string(limits.max_bytes));
  }
  if (const char* bad = BadByte(text)) {
    return At(static_cast<size_t>(bad - text.data()), Code::kInvalid,
              *bad == 0 ? "NUL is not allowed" : "invalid UTF-8");
  }
  // A copy that is parsed in place costs less than RapidJSON's own of each string. Behind it the
  // terminator, and room for the last 16 bytes that are looked at together.
  constexpr size_t kBehind = 16;
  std::string copy;
  copy.reserve(text.size() + kBehind);
  copy.append(text).append(kBehind, '\0');
  constexpr unsigned kParseFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                                   rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::InsituStringStream stream(copy.data());
  rapidjson::Reader reader;
  Builder builder(fields, limits.max_depth);
  const rapidjson::ParseResult result = reader.Parse<kParseFlags>(stream, builder);
  if (result.Code() == rapidjson::kParseErrorTermination) {
    return At(result.Offset(), builder.error().code(), builder.error().message());
  }
  if (result.IsError()) return SyntaxError(result.Code(), result.Offset(), text.size());
  return builder.TakeRoot();
}

}  // namespace

Result<Json> ParseJson(std::string_view text, JsonLimits limits) {
  return Parse(text, nullptr, limits);
}

Result<Json> ParseJson(std::string_view text, const JsonFields& fields, JsonLimits limits) {
  return Parse(text, &fields, limits);
}

}  // namespace headroom
