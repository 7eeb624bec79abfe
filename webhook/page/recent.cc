#include "webhook/page/recent.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/quantity.h"

namespace headroom::webhook {
namespace {

// A name comes from whoever can reach us; a terminal gets printable ASCII, as long as a name may
// be.
std::string Word(std::string text) {
  constexpr size_t kMostName = 253;
  if (text.size() > kMostName) text.resize(kMostName);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  return text.empty() ? "-" : text;
}

double Milliseconds(double seconds) { return std::round(seconds * 1e6) / 1e3; }

std::string MillisecondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds * 1e3);
  return text;
}

std::string_view DecisionOf(const RecentDecisions::Entry& entry) {
  return entry.allowed ? "allowed" : "denied";
}

Json OrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json ToJson(const RecentDecisions::Entry& entry) {
  Json out = Json::MakeObject();
  out.Set("time", FormatRfc3339(entry.time));
  out.Set("operation", entry.operation);
  out.Set("kind", entry.kind);
  out.Set("namespace", entry.ns);
  out.Set("name", entry.name);
  out.Set("decision", DecisionOf(entry));
  out.Set("dryRun", entry.dry_run);
  out.Set("rule", OrNull(entry.rule));
  out.Set("node", OrNull(entry.node));
  out.Set("footprintBytes", entry.footprint != 0 ? Json(entry.footprint) : Json());
  out.Set("milliseconds", Milliseconds(entry.seconds));
  return out;
}

std::string Counts(const RecentDecisions& recent) {
  return std::to_string(recent.allowed()) + " allowed, " + std::to_string(recent.denied()) +
         " denied, " + std::to_string(recent.passed()) + " passed without being judged";
}

}  // namespace

void RecentDecisions::Note(const Review& review, const Decision& decision, double seconds,
                           WallTime now) {
  if (decision.outcome == Decision::Outcome::kPassed) {
    ++passed_;
    return;
  }
  ++(decision.answer.allowed ? allowed_ : denied_);
  if (ring_.size() < kKept) {
    ring_.emplace_back();
    next_ = ring_.size() - 1;
  }
  Entry& entry = ring_[next_];
  next_ = (next_ + 1) % kKept;
  entry.time = now;
  entry.operation = review.operation;
  entry.kind = review.kind;
  entry.ns = review.ns;
  entry.name = review.name;
  if (review.name.empty()) entry.name = StringOr(review.object, {"metadata", "generateName"}) + "*";
  entry.allowed = decision.answer.allowed;
  entry.dry_run = review.dry_run;
  entry.rule = decision.rule;
  const estimator::CandidateView* spoken_of =
      decision.verdict ? decision.verdict->Chosen() : nullptr;
  entry.node = spoken_of != nullptr ? spoken_of->node : "";
  entry.footprint = spoken_of != nullptr ? spoken_of->need : 0;
  entry.seconds = seconds;
}

std::vector<const RecentDecisions::Entry*> RecentDecisions::NewestFirst() const {
  std::vector<const Entry*> out;
  out.reserve(ring_.size());
  for (size_t back = 1; back <= ring_.size(); ++back) {
    out.push_back(&ring_[(next_ + ring_.size() - back) % ring_.size()]);
  }
  return out;
}

Json ToJson(const RecentDecisions& recent) {
  Json out = Json::MakeObject();
  out.Set("version", HEADROOM_VERSION);
  out.Set("allowed", recent.allowed());
  out.Set("denied", recent.denied());
  out.Set("passed", recent.passed());
  Json list = Json::MakeArray();
  for (const auto* entry : recent.NewestFirst()) list.Append(ToJson(*entry));
  out.Set("decisions", std::move(list));
  return out;
}

std::string ToText(const RecentDecisions& recent) {
  std::string out = "headroom-webhook " HEADROOM_VERSION
                    ": POST an AdmissionReview to /validate; GET /healthz, /readyz, /metrics, "
                    "/v1/decisions\nSince its start this replica: " +
                    Counts(recent) + ".\n";
  const auto entries = recent.NewestFirst();
  if (entries.empty()) return out;
  out += "\nTIME                  DECISION  RULE    NEEDS      MS       NODE  OBJECT\n";
  for (const auto* entry : entries) {
    const std::string needs = entry->footprint != 0 ? FormatBytes(entry->footprint) : "-";
    char line[128];
    std::snprintf(line, sizeof line, "%-20s  %-8s  %-6s  %-9s  %-7s  ",
                  FormatRfc3339(entry->time).c_str(), std::string(DecisionOf(*entry)).c_str(),
                  Word(entry->rule).c_str(), needs.c_str(),
                  MillisecondsText(entry->seconds).c_str());
    out += line + Word(entry->node) + "  " + Word(entry->operation) + " " + Word(entry->kind) +
           " " + Word(entry->ns + "/" + entry->name) + (entry->dry_run ? " (dry run)" : "") + "\n";
  }
  return out;
}

}  // namespace headroom::webhook
