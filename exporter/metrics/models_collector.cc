#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

void AddModel(const ModelSeries& model, Families& out) {
  const Families::Labels labels = {{"namespace", model.ns}, {"name", model.name}};
  out.Gauge("headroom_model_footprint_bytes",
            "Memory the system charges the model's llama-server for.", model.footprint, labels);
  out.Gauge("headroom_model_footprint_peak_bytes",
            "Largest footprint since the model's llama-server was started.", model.footprint_peak,
            labels);
  out.Gauge("headroom_model_resident_bytes",
            "Resident memory of the model's llama-server; on macOS without what only the GPU maps.",
            model.resident, labels);
  out.Gauge("headroom_model_estimated_bytes", "Footprint the model was admitted with.",
            model.estimated, labels);
  if (model.up) {
    out.Gauge("headroom_model_growing",
              "1 while the model's llama-server grows so that it will exceed its estimate soon.",
              model.growing, labels);
  }
  out.Gauge("headroom_model_up", "1 while the model's llama-server runs.", model.up, labels);
  out.Gauge("headroom_model_ready", "1 while the model's llama-server answers its health check.",
            model.ready, labels);
  out.Counter("headroom_model_restarts_total",
              "Times the model's llama-server was started again after it ended.", model.restarts,
              labels);
  out.Gauge("headroom_model_load_duration_seconds",
            "Time from the start of the running llama-server until it was ready.",
            model.load_seconds, labels);
  out.Gauge("headroom_download_bytes", "Bytes of the model's file that are in the store so far.",
            model.download, labels);
  out.Gauge("headroom_download_total_bytes", "Size of the model's file that is being fetched.",
            model.download_total, labels);
  if (model.started) {
    out.Gauge("headroom_model_start_timestamp_seconds",
              "When the model's llama-server was started.",
              std::chrono::duration<double>(model.started->time_since_epoch()).count(), labels);
  }
}

class ModelsCollector final : public Collector {
 public:
  explicit ModelsCollector(std::function<ServingSeries()> serving) : serving_(std::move(serving)) {}

  std::string_view name() const override { return "models"; }

  Result<Families> Collect() override {
    const ServingSeries serving = serving_();
    Families out;
    if (serving.node) {
      out.Gauge("headroom_node_budget_bytes", "Memory this node grants to models.",
                serving.node->budget);
      out.Gauge("headroom_node_committed_bytes",
                "Estimated footprints of the models bound to this node.", serving.node->committed);
      out.Gauge("headroom_node_headroom_bytes",
                "What a new model can take: budget less committed, never negative.",
                serving.node->headroom);
    }
    for (const ModelSeries& model : serving.models) AddModel(model, out);
    return out;
  }

 private:
  std::function<ServingSeries()> serving_;
};

}  // namespace

std::unique_ptr<Collector> MakeModelsCollector(std::function<ServingSeries()> serving) {
  return std::make_unique<ModelsCollector>(std::move(serving));
}

}  // namespace headroom::exporter
