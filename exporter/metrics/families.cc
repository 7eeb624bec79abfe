#include "exporter/metrics/families.h"

#include <algorithm>
#include <iterator>

namespace headroom::exporter {

prometheus::ClientMetric& Families::Add(prometheus::MetricType type, std::string_view name,
                                        std::string_view help, const Labels& labels) {
  auto family = std::find_if(list_.begin(), list_.end(),
                             [name](const auto& candidate) { return candidate.name == name; });
  if (family == list_.end()) {
    family = list_.insert(family, {std::string(name), std::string(help), type, {}});
  }
  prometheus::ClientMetric metric;
  for (const auto& [label, value] : labels) metric.label.push_back({std::string(label), value});
  family->metric.push_back(std::move(metric));
  return family->metric.back();
}

void Families::Gauge(std::string_view name, std::string_view help, std::optional<double> value,
                     const Labels& labels) {
  if (value) Add(prometheus::MetricType::Gauge, name, help, labels).gauge.value = *value;
}

void Families::Counter(std::string_view name, std::string_view help, std::optional<double> value,
                       const Labels& labels) {
  if (value) Add(prometheus::MetricType::Counter, name, help, labels).counter.value = *value;
}

void Families::Append(Families other) {
  list_.insert(list_.end(), std::make_move_iterator(other.list_.begin()),
               std::make_move_iterator(other.list_.end()));
  text_ += other.text_;
}

}  // namespace headroom::exporter
