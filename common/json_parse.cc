#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>  // compiled here and nowhere else
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

namespace json = boost::json;
using boost::system::error_code;

// Integers that fit 64 bits stay exact. strtod, not the parser's own conversion: it is correctly
// rounded.
std::optional<Json> NumberFromText(std::string_view text) {
  const char* end = text.data() + text.size();
  int64_t integer;
  auto parsed = std::from_chars(text.data(), end, integer);
  if (parsed.ec == std::errc() && parsed.ptr == end) return Json(integer);
  uint64_t natural;
  parsed = std::from_chars(text.data(), end, natural);
  if (parsed.ec == std::errc() && parsed.ptr == end) return Json(natural);
  const double real = std::strtod(std::string(text).c_str(), nullptr);
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
// beginning. The names and their signatures are those of a Boost.JSON handler.
class Builder {
 public:
  static constexpr size_t max_object_size = SIZE_MAX, max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX, max_string_size = SIZE_MAX;

  // Null: everything is kept.
  explicit Builder(const JsonFields* fields) : fields_(fields) {
    stack_.reserve(64);
    open_.reserve(16);
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return Start(); }
  bool on_array_begin(error_code&) { return Start(); }
  bool on_object_end(size_t, error_code&) {
    if (skipping_ > 0) return Skipped();
    const auto from = stack_.begin() + static_cast<ptrdiff_t>(open_.back().first);
    Json::Object object(std::make_move_iterator(from), std::make_move_iterator(stack_.end()));
    if (HasDuplicates(object)) MergeDuplicates(object);
    return End(Json(std::move(object)));
  }
  bool on_array_end(size_t, error_code&) {
    if (skipping_ > 0) return Skipped();
    const auto from = stack_.begin() + static_cast<ptrdiff_t>(open_.back().first);
    Json::Array array;
    array.reserve(static_cast<size_t>(stack_.end() - from));
    for (auto it = from; it != stack_.end(); ++it) array.push_back(std::move(it->second));
    return End(Json(std::move(array)));
  }
  bool on_key_part(json::string_view text, size_t, error_code&) { return Part(text); }
  bool on_string_part(json::string_view text, size_t, error_code&) { return Part(text); }
  bool on_number_part(json::string_view text, error_code&) { return Part(text); }
  bool on_key(json::string_view text, size_t, error_code&) {
    if (skipping_ > 0) return true;
    const std::string_view name = Whole(text);
    below_ = fields_;
    if (fields_ != nullptr && !fields_->empty()) below_ = fields_->Find(name);
    drop_ = fields_ != nullptr && below_ == nullptr;
    if (!drop_) name_.assign(name);
    part_.clear();
    return true;
  }
  bool on_string(json::string_view text, size_t, error_code&) {
    if (Dropped()) return true;
    Push(Json(Whole(text)));
    part_.clear();
    return true;
  }
  bool on_int64(int64_t, json::string_view text, error_code& ec) { return Number(text, ec); }
  bool on_uint64(uint64_t, json::string_view text, error_code& ec) { return Number(text, ec); }
  bool on_double(double, json::string_view text, error_code& ec) { return Number(text, ec); }
  bool on_bool(bool value, error_code&) { return Dropped() || Push(Json(value)); }
  bool on_null(error_code&) { return Dropped() || Push(Json()); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  Json TakeRoot() { return std::move(stack_.front().second); }

 private:
  struct Open {
    size_t first;              // on the stack, of what is in the container
    const JsonFields* fields;  // of the container around it
  };

  // A text in one piece, as nearly all are, is not copied before it is stored.
  bool Part(json::string_view text) {
    if (skipping_ == 0) part_.append(text.data(), text.size());
    return true;
  }
  std::string_view Whole(json::string_view text) {
    if (part_.empty()) return {text.data(), text.size()};
    part_.append(text.data(), text.size());
    return part_;
  }
  // True for a value nobody wants.
  bool Dropped() {
    if (skipping_ > 0) return true;
    const bool dropped = std::exchange(drop_, false);
    if (dropped) part_.clear();
    return dropped;
  }
  bool Number(json::string_view text, error_code& ec) {
    if (Dropped()) return true;
    auto number = NumberFromText(Whole(text));
    part_.clear();
    if (number) return Push(std::move(*number));
    ec = json::error::exponent_overflow;
    return false;
  }
  bool Push(Json value) {
    stack_.emplace_back(std::move(name_), std::move(value));
    name_.clear();
    return true;
  }
  // The container's place and name wait on the stack until its members are complete.
  bool Start() {
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

  Json::Object stack_;
  std::vector<Open> open_;
  const JsonFields* fields_;           // of the container that is open
  const JsonFields* below_ = fields_;  // of the value that comes next
  size_t skipping_ = 0;                // containers that are open within a value that is dropped
  bool drop_ = false;                  // the value that comes next is dropped
  std::string name_, part_;
};

Error At(size_t offset, Code code, std::string_view message) {
  return Error(code, "JSON: byte " + std::to_string(offset) + ": " + std::string(message));
}

// What is wrong with the text at `offset`, where the parser stopped.
Error Explain(const error_code& ec, std::string_view text, size_t offset, size_t max_depth) {
  const size_t valid = ValidUtf8Prefix(text);
  const size_t nul = text.substr(0, valid).find('\0');
  if (nul <= offset) return At(nul, Code::kInvalid, "NUL is not allowed");
  if (valid < text.size() && valid <= offset + 3) return At(valid, Code::kInvalid, "invalid UTF-8");
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Error(Code::kInvalid, "JSON: the document is empty");
  }
  if (ec == json::error::too_deep) {
    return At(offset, Code::kTooLarge,
              "nested deeper than the limit of " + std::to_string(max_depth) + " levels");
  }
  if (ec == json::error::incomplete) {
    return At(text.size(), Code::kInvalid, "unexpected end of input");
  }
  if (ec == json::error::exponent_overflow) {
    return At(offset, Code::kInvalid, "number too big to be stored in a double");
  }
  if (ec == json::error::extra_data) {
    return At(offset, Code::kInvalid, "text behind the end of the document");
  }
  if (ec != json::error::syntax) return At(offset, Code::kInvalid, ec.message());
  if (offset >= text.size()) return At(offset, Code::kInvalid, "unexpected end of input");
  const char found = text[offset];
  const bool printable = found >= ' ' && found <= '~';
  return At(offset, Code::kInvalid,
            "unexpected " + (printable ? std::string("'") + found + "'" : "control character"));
}

Result<Json> Parse(std::string_view text, const JsonFields* fields, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(Code::kTooLarge, "JSON: " + std::to_string(text.size()) + " bytes, the limit is " +
                                      std::to_string(limits.max_bytes));
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<Builder> parser(options, fields);
  error_code ec;
  const size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && !parser.done()) ec = json::error::incomplete;
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (ec) return Explain(ec, text, used, limits.max_depth);
  return parser.handler().TakeRoot();
}

}  // namespace

Result<Json> ParseJson(std::string_view text, JsonLimits limits) {
  return Parse(text, nullptr, limits);
}

Result<Json> ParseJson(std::string_view text, const JsonFields& fields, JsonLimits limits) {
  return Parse(text, &fields, limits);
}

}  // namespace headroom
