#include "webhook/samples.h"

namespace headroom::webhook {
namespace {

double Seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

class Samples {
 public:
  void Gauge(std::string_view name, std::string_view help, double value,
             std::string_view label = "", std::string_view label_value = "") {
    Add(name, help, false, value, label, label_value);
  }
  void Counter(std::string_view name, std::string_view help, double value,
               std::string_view label = "", std::string_view label_value = "") {
    Add(name, help, true, value, label, label_value);
  }
  std::vector<Sample> Take() { return std::move(list_); }

 private:
  void Add(std::string_view name, std::string_view help, bool counter, double value,
           std::string_view label, std::string_view label_value) {
    list_.push_back({std::string(name), std::string(help), counter, value, std::string(label),
                     std::string(label_value)});
  }
  std::vector<Sample> list_;
};

void AddView(Samples& out, const View& view) {
  constexpr std::string_view kObjects = "headroom_webhook_objects";
  constexpr std::string_view kHelp = "Objects in the in-memory view.";
  out.Gauge(kObjects, kHelp, static_cast<double>(view.nodes().size()), "kind", "Node");
  out.Gauge(kObjects, kHelp, static_cast<double>(view.models()), "kind", "Model");
  out.Gauge(kObjects, kHelp, static_cast<double>(view.services()), "kind", "InferenceService");
  for (const kube::Node* node : view.nodes()) {
    if (!node->capacity.observed_at) continue;
    out.Gauge("headroom_webhook_node_observed_timestamp_seconds",
              "When the node last reported; without a report for 3 minutes it is no candidate.",
              Seconds(*node->capacity.observed_at), "node", node->meta.name);
  }
  out.Gauge("headroom_webhook_reservations", "Admissions of the last minute that no node claimed.",
            static_cast<double>(view.reservations()));
}

void AddHeaders(Samples& out, const HeaderTable& table) {
  out.Gauge("headroom_webhook_header_cache_entries", "Model headers known, failures included.",
            static_cast<double>(table.size()));
  out.Gauge("headroom_webhook_header_fetches_in_flight", "Model headers being read now.",
            static_cast<double>(table.in_flight()));
  out.Counter("headroom_webhook_header_cache_hits_total", "Headers answered from memory.",
              static_cast<double>(table.hits));
  out.Counter("headroom_webhook_header_fetches_total", "Headers read from a source or a node.",
              static_cast<double>(table.fetches));
  out.Counter("headroom_webhook_header_fetch_failures_total", "Headers that could not be read.",
              static_cast<double>(table.failures));
}

void AddFeeds(Samples& out, const Feeds& feeds) {
  for (const Feed& feed : feeds.all()) {
    out.Gauge("headroom_webhook_feed_synced", "1 when the feed has delivered its whole state.",
              feed.status.synced ? 1 : 0, "feed", feed.name);
  }
  for (const Feed& feed : feeds.all()) {
    out.Gauge("headroom_webhook_feed_last_contact_timestamp_seconds",
              "When the feed last heard from its source.", Seconds(feed.status.last_contact),
              "feed", feed.name);
  }
  for (const Feed& feed : feeds.all()) {
    out.Counter("headroom_webhook_feed_events_total", "Object changes the feed delivered.",
                static_cast<double>(feed.status.events), "feed", feed.name);
  }
  for (const Feed& feed : feeds.all()) {
    out.Counter("headroom_webhook_feed_relists_total", "Times the feed had to read everything.",
                static_cast<double>(feed.status.relists), "feed", feed.name);
  }
}

void AddTls(Samples& out, const net::TlsServer& tls, const Trust* trust) {
  constexpr std::string_view kExpiry = "headroom_cert_expiry_timestamp_seconds";
  constexpr std::string_view kHelp =
      "When the certificate in use ends, and the CA by which the API server trusts it.";
  out.Gauge(kExpiry, kHelp, Seconds(tls.not_after()), "role", "leaf");
  if (trust != nullptr) {
    const auto ca = trust->Check();
    if (ca) out.Gauge(kExpiry, kHelp, Seconds(ca->not_after), "role", "ca");
  }
  out.Counter("headroom_webhook_cert_reloads_total", "Certificates taken over while running.",
              static_cast<double>(tls.reloads()));
  out.Counter("headroom_webhook_cert_reload_errors_total",
              "Certificate files that could not be used; the old pair was kept.",
              static_cast<double>(tls.reload_errors()));
}

}  // namespace

std::vector<Sample> CollectSamples(const SampleSources& sources) {
  Samples out;
  out.Gauge("headroom_webhook_build_info", "Always 1; the label says what runs.", 1, "version",
            HEADROOM_VERSION);
  out.Gauge("headroom_webhook_in_flight_requests", "Reviews being decided now.",
            static_cast<double>(sources.service.in_flight()));
  if (sources.server != nullptr) {
    out.Gauge("headroom_webhook_connections", "Open connections.",
              static_cast<double>(sources.server->connections()));
  }
  AddView(out, sources.view);
  AddHeaders(out, sources.headers.table());
  AddFeeds(out, sources.feeds);
  if (sources.tls != nullptr) AddTls(out, *sources.tls, sources.trust);
  return out.Take();
}

}  // namespace headroom::webhook
