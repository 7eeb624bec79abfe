#include "cli/check/report.h"

#include <algorithm>
#include <set>

#include "cli/output/table.h"
#include "common/utf8.h"

namespace headroom::cli {
namespace {

using Outcome = Checked::Result;

std::string_view ToString(Outcome result) {
  switch (result) {
    case Outcome::kPassed: return "passed";
    case Outcome::kAllowed: return "allowed";
    case Outcome::kDenied: return "denied";
  }
  return "passed";
}

constexpr char kNotMeasured[] = "HR-000";  // SARIF wants a rule for warnings without one

std::string_view RuleOf(const Checked& one) {
  return one.rule.empty() ? std::string_view(kNotMeasured) : std::string_view(one.rule);
}

Json SarifResult(const Checked& one, std::string_view level, const std::string& text) {
  Json result = Json::MakeObject();
  result.Set("ruleId", RuleOf(one));
  result.Set("level", level);
  result.Make({"message", "text"}) = text;
  Json location = Json::MakeObject();
  Json& physical = location.Make({"physicalLocation"});
  physical.Make({"artifactLocation", "uri"}) = one.file;
  physical.Make({"region", "startLine"}) = one.line;
  Json logical = Json::MakeObject();
  logical.Set("fullyQualifiedName", one.subject);
  location.Make({"logicalLocations"}).Append(std::move(logical));
  result.Make({"locations"}).Append(std::move(location));
  return result;
}

// Control characters do not exist in XML 1.0, not even escaped.
std::string Xml(std::string_view text) {
  std::string out;
  for (const char c : ReplaceBadUtf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? '?' : c;
    }
  }
  return out;
}

}  // namespace

std::string TextReport(const std::vector<Checked>& checked, bool color) {
  std::string out;
  for (const Checked& one : checked) {
    const Tone tone = one.result == Outcome::kDenied    ? Tone::kBad
                      : one.result == Outcome::kAllowed ? Tone::kGood
                                                        : Tone::kPlain;
    out += one.file + ":" + std::to_string(one.line) + ": " + one.subject + ": " +
           Painted(ToString(one.result), tone, color) + "\n";
    out += one.result == Outcome::kDenied ? one.message : "  " + one.summary;
    if (!out.ends_with('\n')) out += '\n';
    for (const std::string& warning : one.warnings) {
      out += "  " + Painted("warning:", Tone::kWarn, color) + " " + warning + "\n";
    }
  }
  return out;
}

Json JsonReport(const std::vector<Checked>& checked) {
  Json out = Json::MakeArray();
  for (const Checked& one : checked) {
    Json item = Json::MakeObject();
    item.Set("subject", one.subject);
    item.Set("file", one.file);
    item.Set("line", one.line);
    item.Set("result", ToString(one.result));
    item.Set("rule", one.rule.empty() ? Json() : Json(one.rule));
    item.Set("summary", one.summary);
    item.Set("message", one.message.empty() ? Json() : Json(one.message));
    Json warnings = Json::MakeArray();
    for (const std::string& warning : one.warnings) warnings.Append(warning);
    item.Set("warnings", std::move(warnings));
    item.Set("verdict", one.verdict);
    out.Append(std::move(item));
  }
  return out;
}

Json SarifReport(const std::vector<Checked>& checked) {
  Json results = Json::MakeArray(), rules = Json::MakeArray();
  std::set<std::string> used;
  for (const Checked& one : checked) {
    if (one.result == Outcome::kDenied) results.Append(SarifResult(one, "error", one.message));
    for (const std::string& warning : one.warnings) {
      results.Append(SarifResult(one, "warning", warning));
    }
    if (one.result == Outcome::kDenied || !one.warnings.empty()) used.emplace(RuleOf(one));
  }
  for (const std::string& id : used) {
    Json rule = Json::MakeObject();
    rule.Set("id", id);
    rule.Make({"shortDescription", "text"}) =
        id == kNotMeasured ? "Warning of a model that was allowed" : "See docs/errors.md#" + id;
    rules.Append(std::move(rule));
  }
  Json run = Json::MakeObject();
  Json& driver = run.Make({"tool", "driver"});
  driver.Set("name", "headroom");
  driver.Set("version", HEADROOM_VERSION);
  driver.Set("rules", std::move(rules));
  run.Set("results", std::move(results));
  Json out = Json::MakeObject();
  out.Set("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  out.Set("version", "2.1.0");
  out.Make({"runs"}).Append(std::move(run));
  return out;
}

std::string JunitReport(const std::vector<Checked>& checked) {
  const auto failures = std::count_if(checked.begin(), checked.end(), [](const Checked& one) {
    return one.result == Outcome::kDenied;
  });
  const std::string counts = "tests=\"" + std::to_string(checked.size()) + "\" failures=\"" +
                             std::to_string(failures) + "\"";
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts +
                    ">\n  <testsuite name=\"headroom check\" " + counts + ">\n";
  for (const Checked& one : checked) {
    out += "    <testcase classname=\"" + Xml(one.file) + "\" name=\"" + Xml(one.subject) +
           "\" file=\"" + Xml(one.file) + "\" line=\"" + std::to_string(one.line) + "\"";
    if (one.result != Outcome::kDenied) {
      out += "/>\n";
      continue;
    }
    out += ">\n      <failure type=\"" + Xml(one.rule) + "\" message=\"" + Xml(one.summary) +
           "\">" + Xml(one.message) + "</failure>\n    </testcase>\n";
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace headroom::cli
