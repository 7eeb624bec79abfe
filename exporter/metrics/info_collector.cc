#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class InfoCollector final : public Collector {
 public:
  InfoCollector(BuildInfo build, HostInfo host)
      : build_(std::move(build)), host_(std::move(host)) {}

  std::string_view name() const override { return "info"; }

  Result<Families> Collect() override {
    Families out;
    out.Gauge("headroom_build_info", "The program; always 1.", 1,
              {{"version", build_.version}, {"revision", build_.revision}});
    out.Gauge("headroom_host_info", "The machine; always 1.", 1,
              {{"system", host_.system},
               {"model", host_.model},
               {"chip", host_.chip},
               {"os_version", host_.os_version},
               {"page_size", std::to_string(host_.page_size)}});
    return out;
  }

 private:
  const BuildInfo build_;
  const HostInfo host_;
};

}  // namespace

std::unique_ptr<Collector> MakeInfoCollector(BuildInfo build, HostInfo host) {
  return std::make_unique<InfoCollector>(std::move(build), std::move(host));
}

}  // namespace headroom::exporter
