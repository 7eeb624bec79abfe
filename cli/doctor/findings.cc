#include "cli/doctor/findings.h"

#include <algorithm>

#include "cli/output/color.h"

namespace headroom::cli {
namespace {

using Level = Finding::Level;

std::string_view Word(Level level) {
  switch (level) {
    case Level::kOk: return "ok";
    case Level::kNote: return "note";
    case Level::kWarning: return "warning";
    case Level::kFailure: return "failure";
  }
  return "note";
}

Tone ToneOf(Level level) {
  if (level == Level::kOk) return Tone::kGood;
  if (level == Level::kWarning) return Tone::kWarn;
  return level == Level::kFailure ? Tone::kBad : Tone::kPlain;
}

}  // namespace

std::string FindingsText(const std::vector<Finding>& findings, bool color) {
  std::string out;
  for (const Finding& finding : findings) {
    const std::string word(Word(finding.level));
    out += Painted(word, ToneOf(finding.level), color) + std::string(9 - word.size(), ' ') +
           finding.check + ": " + finding.text + "\n";
    if (!finding.remedy.empty()) out += "         -> " + finding.remedy + "\n";
  }
  return out;
}

Json FindingsJson(const std::vector<Finding>& findings) {
  Json out = Json::MakeArray();
  for (const Finding& finding : findings) {
    Json item = Json::MakeObject();
    item.Set("level", Word(finding.level));
    item.Set("check", finding.check);
    item.Set("text", finding.text);
    item.Set("remedy", finding.remedy.empty() ? Json() : Json(finding.remedy));
    out.Append(std::move(item));
  }
  return out;
}

bool AnyFailure(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& one) { return one.level == Level::kFailure; });
}

}  // namespace headroom::cli
