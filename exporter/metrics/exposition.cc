#include "exporter/metrics/exposition.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

namespace headroom::exporter {
namespace {

constexpr std::array<std::string_view, 2> kOurs = {"headroom_", "llmkube_metal_agent_"};

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

bool EndsWith(std::string_view text, std::string_view end) { return text.ends_with(end); }

// Control characters could end the line or the page; what is escaped stays as it was written.
bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

std::string Legal(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// A cursor over one line.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  bool Empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  void SkipBlanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view Word() { return Cut(std::min(rest_.find_first_of(" \t"), rest_.size())); }
  std::string_view Name() {
    if (rest_.empty() || !IsNameStart(rest_.front())) return {};
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), IsNamePart);
    return Cut(static_cast<size_t>(end - rest_.begin()));
  }
  // Up to the closing quote, as it is escaped in the page; nullopt-like: false without one.
  bool Quoted(std::string_view& value) {
    size_t end = 0;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return false;
    value = Cut(end);
    return Take('"');
  }

 private:
  std::string_view Cut(size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view rest_;
};

bool IsNumber(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  const std::string copy(text);
  char* end = nullptr;
  std::strtod(copy.c_str(), &end);  // knows NaN and +Inf; no locale is ever set
  return end == copy.c_str() + copy.size() && copy.front() != ' ' && copy.front() != '\t';
}

class Parser {
 public:
  explicit Parser(const ForeignLabels& labels) : labels_(labels) {
    for (const auto& [name, value] : labels) {
      ours_ += (ours_.empty() ? "" : ",") + std::string(name) + "=\"" + Escaped(value) + '"';
    }
  }

  Result<void> Add(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!IsPlain(line)) return Bad("a control character");
    Line cursor(line);
    cursor.SkipBlanks();
    if (cursor.Empty()) return {};
    if (cursor.Take('#')) return AddComment(cursor);
    return AddSample(cursor);
  }

  std::vector<ForeignFamily> Take() {
    std::erase_if(families_, [](const ForeignFamily& f) { return f.samples.empty(); });
    return std::move(families_);
  }

 private:
  static Error Bad(const std::string& found) {
    return Error(Code::kInvalid, "expected the Prometheus text format, found " + found);
  }

  ForeignFamily& Family(const std::string& name) {
    const auto [known, added] = index_.emplace(name, families_.size());
    if (added) families_.push_back({name, "", "untyped", {}});
    return families_[known->second];
  }

  Result<void> AddComment(Line& cursor) {
    cursor.SkipBlanks();
    const std::string_view keyword = cursor.Word();
    if (keyword != "HELP" && keyword != "TYPE") return {};
    cursor.SkipBlanks();
    const std::string_view name = cursor.Name();
    if (name.empty()) return Bad("no metric name after " + std::string(keyword));
    cursor.SkipBlanks();
    ForeignFamily& family = Family(Legal(name));
    if (keyword == "HELP") {
      family.help = cursor.rest();
      return {};
    }
    static constexpr std::array<std::string_view, 4> kTypes = {"counter", "gauge", "histogram",
                                                               "summary"};
    const std::string_view type = cursor.Word();
    const bool known = std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
    const bool misnamed = type == "counter" && !EndsWith(family.name, "_total");
    family.type = known && !misnamed ? type : "untyped";
    return {};
  }

  // A histogram's samples carry suffixes; everything else is named as its family.
  ForeignFamily& FamilyOf(const std::string& sample) {
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (!EndsWith(sample, suffix)) continue;
      const auto known = index_.find(sample.substr(0, sample.size() - suffix.size()));
      if (known == index_.end()) continue;
      ForeignFamily& family = families_[known->second];
      if (family.type == "histogram" || (family.type == "summary" && suffix != "_bucket")) {
        return family;
      }
    }
    return Family(sample);
  }

  Result<void> AddLabels(Line& cursor, std::string& out) {
    for (;;) {
      cursor.SkipBlanks();
      if (cursor.Take('}')) return {};
      const std::string_view name = cursor.Name();
      cursor.SkipBlanks();
      std::string_view value;
      const bool good = !name.empty() && name.find(':') == std::string_view::npos &&
                        cursor.Take('=') && (cursor.SkipBlanks(), cursor.Take('"')) &&
                        cursor.Quoted(value);
      if (!good) return Bad("a label that is not NAME=\"VALUE\"");
      const bool taken = std::any_of(labels_.begin(), labels_.end(),
                                     [name](const auto& label) { return label.first == name; });
      out += std::string(out.empty() ? "" : ",") + (taken ? "exported_" : "");
      out.append(name).append("=\"").append(value).append("\"");
      cursor.SkipBlanks();
      if (!cursor.Take(',') && cursor.rest().substr(0, 1) != "}") return Bad("labels without end");
    }
  }

  Result<void> AddSample(Line& cursor) {
    const std::string_view name = cursor.Name();
    if (name.empty()) return Bad("no metric name");
    std::string labels = ours_;
    cursor.SkipBlanks();
    if (cursor.Take('{')) {
      if (auto added = AddLabels(cursor, labels); !added) return added;
    }
    cursor.SkipBlanks();
    const std::string_view value = cursor.Word();
    if (!IsNumber(value)) return Bad("a value that is no number");
    if (++series_ > kMaxForeignSeries) {
      return Error(Code::kTooLarge, "more than " + std::to_string(kMaxForeignSeries) + " series");
    }
    const std::string legal = Legal(name);
    for (const std::string_view prefix : kOurs) {
      if (legal.starts_with(prefix)) return {};
    }
    ForeignFamily& family = FamilyOf(legal);
    family.samples.push_back(legal + (labels.empty() ? " " : "{" + labels + "} ") +
                             std::string(value));
    return {};
  }

  const ForeignLabels& labels_;
  std::string ours_;
  std::vector<ForeignFamily> families_;
  std::map<std::string, size_t> index_;
  size_t series_ = 0;
};

}  // namespace

Result<std::vector<ForeignFamily>> ParseExposition(std::string_view page,
                                                   const ForeignLabels& labels) {
  Parser parser(labels);
  for (size_t number = 1; !page.empty(); ++number) {
    const size_t end = std::min(page.find('\n'), page.size());
    if (const auto added = parser.Add(page.substr(0, end)); !added) {
      return added.error().Within("line " + std::to_string(number));
    }
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  return parser.Take();
}

void MergeFamilies(std::vector<ForeignFamily>& into, const std::vector<ForeignFamily>& from) {
  for (const ForeignFamily& family : from) {
    const auto known = std::find_if(into.begin(), into.end(),
                                    [&](const auto& one) { return one.name == family.name; });
    if (known == into.end()) {
      into.push_back(family);
    } else if (known->type == family.type) {
      known->samples.insert(known->samples.end(), family.samples.begin(), family.samples.end());
    }
  }
}

std::string ExpositionText(const std::vector<ForeignFamily>& families) {
  std::string text;
  for (const ForeignFamily& family : families) {
    const std::string& help =
        family.help.empty() ? "As the model's server reports it." : family.help;
    text +=
        "# HELP " + family.name + " " + help + "\n# TYPE " + family.name + " " + family.type + "\n";
    for (const std::string& sample : family.samples) text += sample + "\n";
  }
  return text;
}

}  // namespace headroom::exporter
