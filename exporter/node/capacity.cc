#include "exporter/node/capacity.h"

namespace headroom::exporter {

Result<estimator::NodeCapacity> MakeCapacity(const MemorySample& sample, Pressure level,
                                             uint64_t committed, const CapacitySettings& settings) {
  estimator::NodeCapacity out;
  out.name = settings.node_name;
  out.memory_total = sample.total;
  out.gpu_working_set = sample.gpu.working_set_limit.value_or(0);
  auto budget =
      estimator::ResolveNodeBudget(settings.budget, out.memory_total, out.gpu_working_set);
  if (!budget) return budget.error();
  out.memory_budget = budget->bytes;
  out.budget_source = budget->source;
  out.available = sample.available;
  out.wired = sample.wired.value_or(0);
  out.committed = committed;
  out.pressure = ToString(level);
  // A Metal device is what makes a node one for metal models; Linux hosts run them on the CPU.
  out.accelerator = sample.gpu.device.empty() && !sample.gpu.working_set_limit ? "cpu" : "metal";
  out.runtime_version = settings.runtime_version;
  out.metrics_address = settings.metrics_address;
  out.agent_version = HEADROOM_VERSION;
  out.observed_at = sample.taken_at;
  return out;
}

}  // namespace headroom::exporter
