// What memory pressure means for the models: told on their objects, and evictions.
#include <algorithm>

#include "common/log.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

void Manager::OnMemory(const PressureStep& pressure, const Result<MemorySample>& sample) {
  pressure_ = pressure.level;
  if (pressure.changed) TellPressure();
  if (!sample) return;  // the level is unknown, then
  EvictionInput input{pressure.level, sample->total, sample->available, Evictable(),
                      std::chrono::steady_clock::now()};
  EvictionStep step = evictor_.Look(input);
  if (step.tell) TellSkipped(step);
  if (!step.victim.empty()) {
    LogWarn("evicting a model", {{"workload", step.victim}, {"reason", step.text}});
    Post(step.victim, {.type = Event::Type::kEvicted, .text = std::move(step.text)});
  }
  if (!step.readmitted.empty()) Post(step.readmitted, {.type = Event::Type::kReadmitted});
}

std::vector<EvictionModel> Manager::Evictable() const {
  std::vector<EvictionModel> running;
  for (const auto& [key, record] : records_) {
    if (record->it.pid == 0) continue;
    EvictionModel model{.key = key, .bytes = record->footprint};
    if (record->entry) {
      const kube::ServingSpec& spec = record->entry->workload.spec;
      model.rank = EvictionRank(spec.priority);
      model.is_protected = spec.eviction_protection;
    }
    model.stopping = record->it.state == State::kStopping;
    if (seams_.process_memory) {
      if (const auto memory = seams_.process_memory(record->it.pid)) {
        model.bytes = std::max({model.bytes, memory->footprint.value_or(0), memory->resident});
      }
    }
    model.started = record->started.value_or(WallTime());
    running.push_back(std::move(model));
  }
  return running;
}

// On the models that run: a person who looks at one sees what its node is short of.
void Manager::TellRunning(const kube::EventText& event) {
  for (const auto& [key, record] : records_) {
    if (record->it.pid != 0 && record->entry) Tell(*record, event);
  }
}

void Manager::TellPressure() {
  const bool calm = pressure_ == Pressure::kNormal || pressure_ == Pressure::kUnknown;
  TellRunning({!calm, "MemoryPressureLevelChanged",
               "memory pressure on node " + options_.node_name + " is " +
                   std::string(ToString(pressure_))});
}

void Manager::TellTrend(const std::string& news) {
  TellRunning({true, "MemoryTrend", "on node " + options_.node_name + " " + news});
}

void Manager::TellSkipped(const EvictionStep& step) {
  LogWarn("memory is critical and no model is evicted", {{"reason", step.skipped}});
  TellRunning({false, "EvictionSkipped",
               "memory is critical on node " + options_.node_name +
                   " and no model is evicted: " + std::string(step.skipped)});
}

}  // namespace headroom::exporter
