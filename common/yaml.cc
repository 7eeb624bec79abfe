#include "common/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_set>

#include "common/utf8.h"
#include "common/yaml_scalar.h"

namespace headroom {
namespace {

constexpr size_t kMaxText = 16u << 20;      // manifests and kubeconfigs are kilobytes
constexpr size_t kMaxExpanded = 64u << 20;  // bytes of values once every alias is replaced
const size_t kMaxDepth = JsonLimits{}.max_depth;

struct Value {
  Json json;
  size_t cost = sizeof(Json::Member);  // bytes it occupies, roughly
  size_t depth = 0;                    // levels of containers
};

struct Container {
  Value value;
  YAML::anchor_t anchor = 0;
  bool has_key = false, merge = false;  // the next value belongs to `key`, or to "<<"
  std::string key;
  std::unordered_set<std::string> names;
  std::vector<Json> merged;  // maps named by "<<", first wins
};

bool StaysText(const std::string& tag) {
  return tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:binary";
}

// Builds Json from parser events, without yaml-cpp's node graph: an alias is a copy whose size is
// counted, and one that points into itself is found at once. Throws what the parser throws.
class Builder : public YAML::EventHandler {
 public:
  std::vector<Json> documents;

  // yaml-cpp reports empty documents for ever at a stray ",".
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == document_start_) Fail(mark, "unexpected character");
    document_start_ = mark.pos;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Finish(mark, {}, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    // The input is valid UTF-8; yaml-cpp decodes these two escapes to bytes that are not.
    if (!IsUtf8(text)) Fail(mark, "the escapes \\N and \\_ are not supported");
    Value value{Json(text), sizeof(Json::Member) + text.size()};
    if (WantsKey()) {
      TakeKey(mark, text, !StaysText(tag));
      if (anchor) Remember(mark, value, anchor);
      return;
    }
    if (!StaysText(tag)) {
      auto resolved = ResolvePlainScalar(text);
      if (!resolved) Fail(mark, "number " + text + " cannot be represented");
      value.json = std::move(*resolved);
    }
    Finish(mark, std::move(value), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) Fail(mark, "alias to a value that contains the alias");
    if (WantsKey()) {
      const std::string* text = known->second.json.AsString();
      if (!text) Fail(mark, "a key must be text");
      TakeKey(mark, *text, false);
      return;
    }
    CheckDepth(mark, known->second.depth);
    Finish(mark, known->second, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, Json::MakeArray(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, Json::MakeObject(), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override {
    Container& top = open_.back();
    for (Json& source : top.merged) {
      for (auto& [name, member] : *source.AsObject()) {
        if (!top.names.insert(name).second) continue;
        top.value.json.AsObject()->emplace_back(name, std::move(member));
      }
    }
    Close();
  }

 private:
  [[noreturn]] static void Fail(const YAML::Mark& mark, const std::string& message) {
    throw YAML::ParserException(mark, message);
  }
  bool WantsKey() const {
    return !open_.empty() && open_.back().value.json.IsObject() && !open_.back().has_key;
  }
  void TakeKey(const YAML::Mark& mark, const std::string& text, bool plain) {
    Container& top = open_.back();
    top.has_key = true;
    top.merge = plain && text == "<<";
    if (top.merge) return;
    if (!top.names.insert(text).second) Fail(mark, "key '" + text + "' is already set in this map");
    top.key = text;
    top.value.cost += text.size();
  }
  void Open(const YAML::Mark& mark, Json empty, YAML::anchor_t anchor) {
    if (WantsKey()) Fail(mark, "a key must be text");
    CheckDepth(mark, 1);
    mark_ = mark;
    open_.emplace_back();
    open_.back().value.json = std::move(empty);
    open_.back().value.depth = 1;
    open_.back().anchor = anchor;
  }
  void Close() {
    Container done = std::move(open_.back());
    open_.pop_back();
    Finish(mark_, std::move(done.value), done.anchor);
  }
  void CheckDepth(const YAML::Mark& mark, size_t more) {
    if (open_.size() + more <= kMaxDepth) return;
    Fail(mark, "nested deeper than the limit of " + std::to_string(kMaxDepth) + " levels");
  }
  void Charge(const YAML::Mark& mark, size_t cost) {
    expanded_ += cost;
    if (expanded_ > kMaxExpanded) {
      Fail(mark, "larger than " + std::to_string(kMaxExpanded >> 20) + " MiB once expanded");
    }
  }
  void Remember(const YAML::Mark& mark, const Value& value, YAML::anchor_t anchor) {
    Charge(mark, value.cost);
    anchors_[anchor] = value;
  }
  void Finish(const YAML::Mark& mark, Value value, YAML::anchor_t anchor) {
    if (WantsKey()) Fail(mark, "a key must be text");
    Charge(mark, value.cost);
    if (anchor) Remember(mark, value, anchor);
    if (open_.empty()) {
      if (!value.json.IsNull()) documents.push_back(std::move(value.json));
      return;
    }
    Container& top = open_.back();
    top.value.cost += value.cost;
    top.value.depth = std::max(top.value.depth, value.depth + 1);
    if (Json::Array* array = top.value.json.AsArray()) {
      array->push_back(std::move(value.json));
      return;
    }
    top.has_key = false;
    if (top.merge) {
      Merge(mark, std::move(value.json), top.merged);
    } else {
      top.value.json.AsObject()->emplace_back(std::move(top.key), std::move(value.json));
    }
  }
  static void Merge(const YAML::Mark& mark, Json source, std::vector<Json>& merged) {
    if (source.IsObject()) {
      merged.push_back(std::move(source));
      return;
    }
    Json::Array* sources = source.AsArray();
    if (!sources) Fail(mark, "'<<' expects a map or a list of maps");
    for (Json& one : *sources) {
      if (!one.IsObject()) Fail(mark, "'<<' expects a map or a list of maps");
      merged.push_back(std::move(one));
    }
  }

  std::vector<Container> open_;
  std::map<YAML::anchor_t, Value> anchors_;
  size_t expanded_ = 0;
  int document_start_ = -1;
  YAML::Mark mark_;  // of the latest container opened; ends carry no position
};

Error At(std::string_view origin, int line, int column, std::string_view message) {
  return Error(Code::kInvalid, std::string(origin) + ":" + std::to_string(line + 1) + ":" +
                                   std::to_string(column + 1) + ": " + std::string(message));
}

// YAML's own character set, checked first because yaml-cpp takes U+0004 for the end of its input.
std::optional<Error> CheckCharacters(std::string_view text, std::string_view origin) {
  const size_t valid = ValidUtf8Prefix(text);
  int line = 0, column = 0;
  for (size_t i = 0; i < valid; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control = byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r';
    if (control || byte == 0x7F) return At(origin, line, column, "control character");
    column = byte == '\n' ? 0 : column + 1;
    line += byte == '\n';
  }
  if (valid != text.size()) return At(origin, line, column, "invalid UTF-8");
  return std::nullopt;
}

}  // namespace

Result<std::vector<Json>> ParseYaml(std::string_view text, std::string_view origin) {
  if (text.size() > kMaxText) {
    return Error(Code::kTooLarge, std::string(origin) + ": larger than the limit of " +
                                      std::to_string(kMaxText) + " bytes");
  }
  if (auto bad = CheckCharacters(text, origin)) return *bad;
  Builder builder;
  try {
    // yaml-cpp closes a quoted scalar that runs to a final newline, so a truncated file would pass;
    // a document end mark makes it an error.
    std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "...\n" : ""));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) {
      return Error(Code::kInvalid, std::string(origin) + ": " + error.msg);
    }
    return At(origin, error.mark.line, error.mark.column, error.msg);
  }
  return std::move(builder.documents);
}

}  // namespace headroom
