#include <algorithm>

#include "common/ascii.h"
#include "common/yaml.h"
#include "common/yaml_scalar.h"

namespace headroom {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr size_t kMaxSimpleKey = 1000;  // YAML allows 1024 characters before the colon

// Words and shapes that YAML 1.1 readers (kubectl among them) take for booleans, base-60 and binary
// numbers or dates, although the core schema does not.
bool IsYaml11Special(std::string_view text) {
  const std::string lower = AsciiLower(text);
  for (std::string_view word : {"y", "n", "yes", "no", "on", "off", "null", "true", "false"}) {
    if (lower == word) return true;
  }
  const size_t first = lower.find_first_of(kDigits);
  if (first > 1) return false;  // no digit, or not behind a mere sign or point
  if (lower.find_first_not_of("0123456789:_.+-et") == std::string::npos) return true;
  const bool prefixed = lower.starts_with("0b") || lower.starts_with("0x");
  return prefixed || (lower.size() > 10 && lower[4] == '-' && lower[7] == '-');
}

// "-x" and "--flag", frequent in argument lists; no list dash and no document mark.
bool IsOption(std::string_view text) {
  return text.size() > 2 && text[0] == '-' && text[1] != ' ' && text.substr(1, 2) != "--";
}

bool IsPlainSafe(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (text.empty() || text.size() > 512) return false;
  const char first = text.front();
  const bool good_start = kLetters.find(first) != std::string_view::npos ||
                          kDigits.find(first) != std::string_view::npos || first == '/' ||
                          first == '.' || first == '_' || IsOption(text);
  if (!good_start || text.starts_with("...") || text.back() == ' ' || text.back() == ':')
    return false;
  for (const char c : text) {  // other bytes, UTF-8 among them, are quoted
    if (c < ' ' || c > '~') return false;
  }
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  const auto read = ResolvePlainScalar(text);
  return read && read->IsString() && !IsYaml11Special(text);
}

// A JSON string is also a YAML double-quoted scalar.
std::string TextScalar(const std::string& text) {
  return IsPlainSafe(text) ? text : WriteJson(Json(text));
}

// Lines of readable text with at most one final newline can be a literal block.
bool IsLiteral(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return false;
  if (text.front() == ' ' || text.front() == '\n' || text.ends_with("\n\n")) return false;
  for (const char c : text) {
    if ((c < ' ' && c != '\n') || c > '~') return false;
  }
  return text.find(" \n") == std::string_view::npos && text.back() != ' ';
}

class Writer {
 public:
  // What follows "key:" or "- ", up to and including the newline. `indent` is where the lines of a
  // nested value start.
  void Value(const Json& value, size_t indent, bool after_key) {
    const auto* object = value.AsObject();
    const auto* array = value.AsArray();
    const auto* text = value.AsString();
    if (object && !object->empty()) {
      if (after_key) out_ += '\n';
      Members(*object, indent, after_key);
    } else if (array && !array->empty()) {
      if (after_key) out_ += '\n';
      // kubectl's style: the dashes stand right below the key.
      Items(*array, after_key ? indent - 2 : indent, after_key);
    } else if (text && IsLiteral(*text)) {
      if (after_key) out_ += ' ';
      Literal(*text, indent);
    } else {
      if (after_key) out_ += ' ';
      out_ += (text ? TextScalar(*text) : WriteJson(value)) + "\n";
    }
  }
  std::string Take() { return std::move(out_); }

 private:
  void Members(const Json::Object& object, size_t indent, bool pad_first) {
    bool pad = pad_first;
    for (const auto& [name, member] : object) {
      if (pad) out_.append(indent, ' ');
      pad = true;
      const std::string key = TextScalar(name);
      if (key.size() > kMaxSimpleKey) {
        out_.append("? ").append(key).append("\n").append(indent, ' ').append(":");
      } else {
        out_ += key + ":";
      }
      Value(member, indent + 2, true);
    }
  }
  void Items(const Json::Array& array, size_t indent, bool pad_first) {
    bool pad = pad_first;
    for (const Json& item : array) {
      if (pad) out_.append(indent, ' ');
      pad = true;
      out_ += "- ";
      Value(item, indent + 2, false);
    }
  }
  void Literal(std::string_view text, size_t indent) {
    out_ += text.ends_with('\n') ? "|\n" : "|-\n";
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      if (end > 0) out_.append(indent, ' ').append(text.substr(0, end));
      out_ += '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  std::string out_;
};

}  // namespace

std::string WriteYaml(const Json& value) {
  if (const auto* text = value.AsString()) return TextScalar(*text) + "\n";
  Writer writer;
  writer.Value(value, 0, false);
  return writer.Take();
}

}  // namespace headroom
