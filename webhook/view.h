// The webhook's picture of the cluster: nodes, models and services as the feeds report them, joined
// into workloads, and what each node has promised. Fed by one thread; pure, given `now`.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "admission/replicas.h"
#include "common/time.h"
#include "kube/object_feed.h"
#include "kube/objects.h"
#include "kube/workload.h"
#include "webhook/object_store.h"

namespace headroom::webhook {

// A workload that takes memory on a node; the texts are the view's, until it changes.
struct Load {
  std::string_view key;               // LoadKey()
  std::string_view name;              // "team-a/qwen-32b"
  std::optional<uint64_t> footprint;  // bytes; unset: estimate it from the header
};

// Bytes promised to a workload that no node has claimed yet.
struct Reservation {
  std::string key, name, node;
  uint64_t footprint = 0;
};

class View {
 public:
  // Unclaimed admissions are forgotten after this: an agent claims within seconds.
  static constexpr std::chrono::seconds kReservationTime{60};

  void Apply(kube::Kind kind, const kube::ObjectEvent& event);

  // Objects as admitted a moment ago, else as the feeds have them.
  std::optional<kube::Model> FindModel(std::string_view key) const;  // "namespace/name"
  std::optional<kube::InferenceService> FindService(std::string_view key) const;
  std::vector<kube::InferenceService> ServicesOf(std::string_view model_key) const;
  const std::vector<const kube::Node*>& nodes() const { return node_list_; }  // by name
  // Nodes that have claimed a workload of this source, a few of them: its file is in their store.
  std::vector<const kube::Node*> NodesThatFetched(std::string_view source) const;
  // As the feeds have it; `key` may be a Load's.
  std::optional<kube::Workload> FindWorkload(std::string_view key) const;

  // Workloads on `node`: claimed by it or bound to it (where there is only one node of ours, also
  // those that can only go there), and reservations that still hold; each replica of a workload
  // once.
  std::vector<Load> LoadsOn(std::string_view node, WallTime now) const;

  void Reserve(Reservation reservation, WallTime now);
  bool Reserved(std::string_view key, WallTime now) const;

  // Keys of workloads younger than kReservationTime with neither claim, binding nor reservation:
  // another webhook admitted them (or this one before it was restarted), and nobody here knows for
  // which node.
  std::vector<std::string> Unplaced(WallTime now);

  // An admitted object is known at once: what it will be joined with may be asked about before a
  // feed delivers it. Until then, or for kExpectedTime (another webhook may have refused it).
  static constexpr std::chrono::seconds kExpectedTime{10};
  void Expect(kube::Model model, WallTime now);
  void Expect(kube::InferenceService service, WallTime now);
  void DropExpired(WallTime now);

  size_t models() const { return objects_.models(); }
  size_t services() const { return objects_.services(); }
  size_t reservations() const { return reservations_.size(); }

 private:
  struct Held {
    Reservation reservation;
    WallTime until;
  };
  template <class Object>
  struct Expected {
    Object object;
    WallTime until;
  };
  template <class Object>
  using ExpectedMap = std::map<std::string, Expected<Object>, std::less<>>;
  void ApplyNode(const kube::ObjectEvent& event);
  void ApplyModel(const kube::ObjectEvent& event);
  void ApplyService(const kube::ObjectEvent& event);
  std::string ApplyObject(kube::Kind kind, const kube::ObjectEvent& event);
  void Place(const std::string& workload_key);
  void Unplace(const std::string& workload_key);
  void ReleaseGenerated(kube::Kind kind, const kube::Meta& meta);
  void DropReservations(const std::string& workload_key);
  bool OnlyNode(std::string_view node) const;

  ObjectStore objects_;
  std::map<std::string, kube::Node, std::less<>> nodes_;
  std::vector<const kube::Node*> node_list_;
  size_t publishing_ = 0;                                                     // nodes of ours
  using Loads = std::map<std::string, std::optional<uint64_t>, std::less<>>;  // LoadKey() -> bytes
  using NodeLoads = std::map<std::string, Loads, std::less<>>;  // by node, "" = none yet
  NodeLoads loads_;
  std::unordered_map<std::string, NodeLoads::iterator> placed_;  // workload key -> where it counts
  std::map<std::string, Held, std::less<>> reservations_;
  std::map<std::string, WallTime, std::less<>> unplaced_;  // key -> created
  ExpectedMap<kube::Model> expected_models_;
  ExpectedMap<kube::InferenceService> expected_services_;
};

}  // namespace headroom::webhook
