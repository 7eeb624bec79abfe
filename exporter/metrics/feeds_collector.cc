#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class FeedsCollector final : public Collector {
 public:
  explicit FeedsCollector(std::function<std::vector<FeedSeries>()> feeds)
      : feeds_(std::move(feeds)) {}

  std::string_view name() const override { return "feeds"; }

  Result<Families> Collect() override {
    Families out;
    for (const FeedSeries& feed : feeds_()) {
      const Families::Labels labels = {{"kind", feed.kind}};
      out.Gauge("headroom_feed_synced", "1 once all objects of the kind have been read.",
                feed.synced, labels);
      out.Counter("headroom_feed_events_total", "Changes of objects that were heard of.",
                  feed.events, labels);
      out.Counter("headroom_feed_relists_total", "Times all objects were read again.", feed.relists,
                  labels);
      if (feed.last_contact == WallTime{}) continue;
      out.Gauge("headroom_feed_last_contact_timestamp_seconds",
                "Last good answer of the API server, or good reading of the folder.",
                std::chrono::duration<double>(feed.last_contact.time_since_epoch()).count(),
                labels);
    }
    return out;
  }

 private:
  std::function<std::vector<FeedSeries>()> feeds_;
};

}  // namespace

std::unique_ptr<Collector> MakeFeedsCollector(std::function<std::vector<FeedSeries>()> feeds) {
  return std::make_unique<FeedsCollector>(std::move(feeds));
}

}  // namespace headroom::exporter
