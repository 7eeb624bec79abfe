#include "exporter/models/eviction.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::exporter {
namespace {

constexpr std::string_view kDisabled = "disabled", kFloor = "floor", kMinority = "minority",
                           kProtected = "protected", kSettling = "settling";
constexpr std::array kReasons = {kDisabled, kFloor, kMinority, kProtected, kSettling};

uint64_t Held(const std::vector<EvictionModel>& running) {
  uint64_t sum = 0;
  for (const EvictionModel& model : running) {
    sum = CheckedAdd(sum, model.bytes).value_or(UINT64_MAX);
  }
  return sum;
}

}  // namespace

int EvictionRank(std::string_view priority) {
  constexpr std::array<std::string_view, 5> kOrder = {"batch", "low", "normal", "high", "critical"};
  const auto found = std::find(kOrder.begin(), kOrder.end(), priority);
  return found == kOrder.end() ? 2 : static_cast<int>(found - kOrder.begin());
}

Evictor::Evictor(EvictionOptions options) : options_(options) {
  for (const std::string_view reason : kReasons) counts_.skipped.emplace_back(reason, 0);
}

EvictionStep Evictor::Look(const EvictionInput& input) {
  EvictionStep step;
  if (input.level != Pressure::kCritical) {
    told_ = "";
    if (input.level == Pressure::kNormal) step.readmitted = Readmit(input);
    return step;
  }
  step.skipped = Refusal(input);
  if (step.skipped.empty()) {
    Evict(input, *Choose(input.running), step);
    return step;
  }
  step.tell = step.skipped != kDisabled && step.skipped != kSettling && step.skipped != told_;
  if (step.tell) told_ = step.skipped;
  for (auto& [reason, count] : counts_.skipped) {
    if (reason == step.skipped) ++count;
  }
  return step;
}

std::string_view Evictor::Refusal(const EvictionInput& input) const {
  if (!options_.enabled) return kDisabled;
  const auto stopping = [](const EvictionModel& model) { return model.stopping; };
  const auto& running = input.running;
  if (std::any_of(running.begin(), running.end(), stopping)) return kSettling;
  if (last_ && input.now - *last_ < options_.settle) return kSettling;
  if (running.size() < 2) return kFloor;
  const uint64_t in_use = SaturatingSub(input.total, input.available);
  if (Held(running) <= in_use / 2) return kMinority;
  return Choose(running) == nullptr ? kProtected : "";
}

const EvictionModel* Evictor::Choose(const std::vector<EvictionModel>& running) {
  const EvictionModel* chosen = nullptr;
  const auto before = [](const EvictionModel& a, const EvictionModel& b) {
    return std::tuple(a.rank, UINT64_MAX - a.bytes, a.started) <
           std::tuple(b.rank, UINT64_MAX - b.bytes, b.started);
  };
  for (const EvictionModel& model : running) {
    if (model.is_protected) continue;
    if (chosen == nullptr || before(model, *chosen)) chosen = &model;
  }
  return chosen;
}

void Evictor::Evict(const EvictionInput& input, const EvictionModel& model, EvictionStep& step) {
  ++counts_.evictions;
  last_ = input.now;
  const auto [entry, added] = evicted_.try_emplace(
      model.key, Evicted{.cool_down = Backoff(options_.cool_down, options_.cool_down_max)});
  Evicted& evicted = entry->second;
  if (!added && input.now - evicted.until > options_.cool_down_max) evicted.cool_down.Reset();
  evicted.rank = model.rank;
  evicted.away = true;
  const auto rest = evicted.cool_down.Next(0);
  evicted.until = input.now + rest;
  step.victim = model.key;
  const double percent = 100.0 * static_cast<double>(input.available) /
                         static_cast<double>(std::max<uint64_t>(input.total, 1));
  step.text = "evicted: memory is critical with " + FormatBytes(input.available) + " of " +
              FormatBytes(input.total) + " available (" +
              std::to_string(static_cast<int>(percent)) + " %); this model took " +
              FormatBytes(model.bytes) + " of the " + FormatBytes(Held(input.running)) + " of " +
              std::to_string(input.running.size()) +
              " models. It comes back when memory pressure is normal again, after " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(rest).count()) +
              " s at the earliest";
}

// One at a time, the most important first: what it takes is seen before the next comes.
std::string Evictor::Readmit(const EvictionInput& input) {
  Evicted* best = nullptr;
  std::string key;
  for (auto& [name, evicted] : evicted_) {
    if (!evicted.away || input.now < evicted.until) continue;
    if (best == nullptr || evicted.rank > best->rank) {
      best = &evicted;
      key = name;
    }
  }
  if (best != nullptr) best->away = false;
  return key;
}

}  // namespace headroom::exporter
