#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class RuntimeCollector final : public Collector {
 public:
  explicit RuntimeCollector(std::function<std::vector<RuntimeSeries>()> servers)
      : servers_(std::move(servers)) {}

  std::string_view name() const override { return "runtime"; }

  Result<Families> Collect() override {
    Families out;
    std::vector<ForeignFamily> all;
    for (const RuntimeSeries& server : servers_()) {
      const Families::Labels labels = {{"namespace", server.ns}, {"name", server.name}};
      out.Gauge("headroom_model_scrape_success",
                "1 if the last request for the model server's own metrics succeeded.",
                server.success, labels);
      out.Gauge("headroom_model_scrape_duration_seconds",
                "Time the model server took to answer that request.", server.duration, labels);
      if (!server.taken_at) continue;
      out.Gauge("headroom_model_scrape_timestamp_seconds",
                "When the model server's own metrics on this page were read.",
                std::chrono::duration<double>(server.taken_at->time_since_epoch()).count(), labels);
      MergeFamilies(all, server.families);
    }
    out.AddText(ExpositionText(all));
    return out;
  }

 private:
  std::function<std::vector<RuntimeSeries>()> servers_;
};

}  // namespace

std::unique_ptr<Collector> MakeRuntimeCollector(
    std::function<std::vector<RuntimeSeries>()> servers) {
  return std::make_unique<RuntimeCollector>(std::move(servers));
}

}  // namespace headroom::exporter
