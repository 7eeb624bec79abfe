// Metric families of one scrape. They are built anew each time, so a series that has lost its
// subject (a model that was deleted) is gone by construction.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::exporter {

class Families {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // One series; a value that is absent makes none, and a family without series is left out. Calls
  // with the same name add to the same family and repeat its help.
  void Gauge(std::string_view name, std::string_view help, std::optional<double> value,
             const Labels& labels = {});
  void Counter(std::string_view name, std::string_view help, std::optional<double> value,
               const Labels& labels = {});

  // Whole families as text, made elsewhere; they come after all others.
  void AddText(std::string text) { text_ += text; }

  void Append(Families other);
  const std::vector<prometheus::MetricFamily>& list() const { return list_; }
  const std::string& text() const { return text_; }

 private:
  prometheus::ClientMetric& Add(prometheus::MetricType type, std::string_view name,
                                std::string_view help, const Labels& labels);

  std::vector<prometheus::MetricFamily> list_;
  std::string text_;
};

}  // namespace headroom::exporter
