#include "webhook/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace headroom::webhook {
namespace {

// The API server's own buckets, with finer ones below: most decisions take less than a millisecond.
const prometheus::Histogram::BucketBoundaries kBuckets{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 10};

std::string_view NameOf(Metrics::Refusal refusal) {
  switch (refusal) {
    case Metrics::Refusal::kMalformed: return "malformed";
    case Metrics::Refusal::kOverloaded: return "overloaded";
    case Metrics::Refusal::kNotReady: return "not_ready";
  }
  return "malformed";
}

prometheus::ClientMetric MetricOf(const Sample& sample) {
  prometheus::ClientMetric metric;
  if (!sample.label.empty()) metric.label.push_back({sample.label, sample.label_value});
  (sample.counter ? metric.counter.value : metric.gauge.value) = sample.value;
  return metric;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& decisions =
      prometheus::BuildCounter()
          .Name("headroom_webhook_decisions_total")
          .Help("Admission reviews answered, by result and by the rule that denied.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& refusals =
      prometheus::BuildCounter()
          .Name("headroom_webhook_undecided_total")
          .Help("Requests answered without a decision (the API server's failurePolicy applies).")
          .Register(registry);
  prometheus::Counter& unknown = prometheus::BuildCounter()
                                     .Name("headroom_webhook_unknown_size_total")
                                     .Help("Decisions about a model whose size was not known.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Family<prometheus::Histogram>& duration_family =
      prometheus::BuildHistogram()
          .Name("headroom_webhook_decision_duration_seconds")
          .Help("Time from the review's last byte to its answer.")
          .Register(registry);
  prometheus::Histogram& duration = duration_family.Add({}, kBuckets);
  // Add() finds a series by hashing its labels anew; this keeps it out of each decision.
  std::map<std::pair<Decision::Outcome, std::string>, prometheus::Counter*> by_decision;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  // Series exist from the start, so that a rate over the first event is seen.
  for (const char* result : {"passed", "allowed"}) {
    state_->decisions.Add({{"result", result}, {"rule", ""}});
  }
  for (const Refusal refusal : {Refusal::kMalformed, Refusal::kOverloaded, Refusal::kNotReady}) {
    state_->refusals.Add({{"reason", std::string(NameOf(refusal))}});
  }
}

Metrics::~Metrics() = default;

void Metrics::CountDecision(const Decision& decision, double seconds) {
  auto& counter = state_->by_decision[{decision.outcome, decision.rule}];
  if (counter == nullptr) {
    const std::string result(ToString(decision.outcome));
    counter = &state_->decisions.Add({{"result", result}, {"rule", decision.rule}});
  }
  counter->Increment();
  if (decision.unknown_size) state_->unknown.Increment();
  state_->duration.Observe(seconds);
}

void Metrics::CountRefusal(Refusal refusal) {
  state_->refusals.Add({{"reason", std::string(NameOf(refusal))}}).Increment();
}

std::string Metrics::Expose(const std::vector<Sample>& samples) const {
  std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
  for (const Sample& sample : samples) {
    if (families.empty() || families.back().name != sample.name) {
      const auto type =
          sample.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      families.push_back({sample.name, sample.help, type, {}});
    }
    families.back().metric.push_back(MetricOf(sample));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace headroom::webhook
