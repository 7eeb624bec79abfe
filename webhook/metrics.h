// The webhook's own series, headroom_webhook_*. Counters and the histogram live here; everything
// else is read from its owner when somebody scrapes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/time.h"
#include "webhook/rules.h"

namespace prometheus {
struct MetricFamily;
}

namespace headroom::webhook {

// One value read at scrape time.
struct Sample {
  std::string name, help;
  bool counter = false;
  double value = 0;
  std::string label, label_value;  // at most one label
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  void CountDecision(const Decision& decision, double seconds);
  enum class Refusal { kMalformed, kOverloaded, kNotReady };
  void CountRefusal(Refusal refusal);

  // Text exposition format 0.0.4: own series, then `samples` (those of one name adjacent).
  std::string Expose(const std::vector<Sample>& samples) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headroom::webhook
