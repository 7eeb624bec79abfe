#include "exporter/metrics/scraper.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "common/log.h"

namespace headroom::exporter {
namespace {

Result<Families> CollectSafely(Collector& collector) {
  try {
    return collector.Collect();
  } catch (const std::exception& error) {  // out of memory, a label that is not text
    return Error(Code::kIo, error.what());
  }
}

bool Contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Scraper::Scraper(std::vector<std::unique_ptr<Collector>> collectors, Clock clock)
    : collectors_(std::move(collectors)), clock_(std::move(clock)) {}

Result<std::vector<Collector*>> Scraper::Select(const Query& query) const {
  std::vector<std::string_view> collect, exclude;
  for (const auto& [key, value] : query) {
    if (key == "collect[]") collect.push_back(value);
    if (key == "exclude[]") exclude.push_back(value);
  }
  if (!collect.empty() && !exclude.empty()) {
    return Error(Code::kInvalid, "collect[] and exclude[] cannot be used together; send one kind");
  }
  std::vector<std::string_view> known;
  std::vector<Collector*> selected;
  for (const auto& collector : collectors_) {
    known.push_back(collector->name());
    const bool wanted = collect.empty() || Contains(collect, collector->name());
    if (wanted && !Contains(exclude, collector->name())) selected.push_back(collector.get());
  }
  for (const auto* names : {&collect, &exclude}) {
    for (const std::string_view name : *names) {
      if (Contains(known, name)) continue;
      std::string message = "no collector is named \"" + std::string(name) + "\"; there are:";
      for (const std::string_view collector : known) message.append(" ").append(collector);
      return Error(Code::kInvalid, message);
    }
  }
  return selected;
}

bool Scraper::Takes(const Query& query, std::string_view collector) const {
  const auto selected = Select(query);
  return selected &&
         std::any_of(selected->begin(), selected->end(),
                     [collector](const Collector* one) { return one->name() == collector; });
}

bool Scraper::Run(Collector& collector, Families& page) {
  const auto known = failing_.find(collector.name());
  auto families = CollectSafely(collector);
  if (!families) {
    if (known == failing_.end()) {
      LogWarn("collector failed", {{"collector", collector.name()}, {"error", families.error()}});
      failing_.emplace(collector.name());
    }
    return false;
  }
  if (known != failing_.end()) {
    LogInfo("collector works again", {{"collector", collector.name()}});
    failing_.erase(known);
  }
  page.Append(std::move(*families));
  return true;
}

Result<std::string> Scraper::Scrape(const Query& query) {
  const auto selected = Select(query);
  if (!selected) return selected.error();
  Families page, durations, successes;
  for (Collector* collector : *selected) {
    const Families::Labels labels = {{"collector", std::string(collector->name())}};
    const SteadyTime begin = clock_();
    const bool success = Run(*collector, page);
    durations.Gauge("headroom_scrape_collector_duration_seconds",
                    "Time the collector took in this scrape.",
                    std::chrono::duration<double>(clock_() - begin).count(), labels);
    successes.Gauge("headroom_scrape_collector_success",
                    "1 if the collector succeeded in this scrape.", success, labels);
  }
  page.Append(std::move(durations));
  page.Append(std::move(successes));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, page.list());
  return std::move(text).str() + page.text();
}

}  // namespace headroom::exporter
