#include "webhook/view.h"

#include <algorithm>

namespace headroom::webhook {
namespace {

using kube::Kind;
using kube::ObjectEvent;

std::string WorkloadKey(Kind kind, std::string_view object_key) {
  return std::string(kube::TypeOf(kind).kind) + "/" + std::string(object_key);
}

void KeepOurAnnotations(kube::Meta& meta) {
  meta.labels.clear();
  std::erase_if(meta.annotations,
                [](const auto& item) { return !item.first.starts_with(kube::kPrefix); });
}

// Whether `key` is that of the workload or of one of its replicas.
bool IsOf(std::string_view key, std::string_view workload_key) {
  return key.starts_with(workload_key) &&
         (key.size() == workload_key.size() || key[workload_key.size()] == '#');
}

// Removes the workload and its replicas from a map by LoadKey().
template <class Map>
void EraseReplicas(Map& map, const std::string& workload_key) {
  map.erase(workload_key);
  const std::string replicas = workload_key + "#";
  for (auto it = map.lower_bound(replicas); it != map.end() && it->first.starts_with(replicas);) {
    it = map.erase(it);
  }
}

std::string GeneratedPrefix(Kind kind, std::string_view ns, std::string_view generate_name) {
  return WorkloadKey(kind, ns) + "/" + std::string(generate_name) + "*#";
}

}  // namespace

std::string GeneratedKey(Kind kind, std::string_view ns, std::string_view generate_name,
                         std::string_view review_uid) {
  return GeneratedPrefix(kind, ns, generate_name) + std::string(review_uid);
}

std::string LoadKey(const std::string& workload_key, int replica) {
  return replica <= 1 ? workload_key : workload_key + "#" + std::to_string(replica);
}

bool SameWorkload(std::string_view a, std::string_view b) {
  // The key of a generated name has a '#' of its own, before the review's uid.
  const auto base = [](std::string_view key) {
    const size_t generated = key.find("*#");
    const size_t from = generated == std::string_view::npos ? 0 : generated + 2;
    return key.substr(0, key.find('#', from));
  };
  return base(a) == base(b);
}

int ReplicasOf(const kube::Workload& workload) {
  constexpr int64_t kMost = 10;
  return static_cast<int>(std::clamp<int64_t>(workload.spec.replicas, 0, kMost));
}

void View::Apply(Kind kind, const ObjectEvent& event) {
  if (event.type == ObjectEvent::Type::kSynced) return;
  switch (kind) {
    case Kind::kNode: return ApplyNode(event);
    case Kind::kModel: return ApplyModel(event);
    case Kind::kInferenceService: return ApplyService(event);
  }
}

void View::ApplyNode(const ObjectEvent& event) {
  kube::Node node = kube::DecodeNode(event.object);
  const std::string name = node.meta.name;
  if (event.type == ObjectEvent::Type::kDelete) {
    nodes_.erase(name);
  } else {
    node.meta.annotations.clear();  // decoded into the capacity
    nodes_[name] = std::move(node);
  }
  node_list_.clear();
  publishing_ = 0;
  for (const auto& [key, value] : nodes_) {
    node_list_.push_back(&value);
    if (value.publishes) ++publishing_;
  }
}

void View::ApplyModel(const ObjectEvent& event) {
  kube::Model model = kube::DecodeModel(event.object);
  const std::string key = model.meta.Key();
  expected_models_.erase(key);
  if (event.type == ObjectEvent::Type::kDelete) {
    models_.erase(key);
    DropReservations(WorkloadKey(Kind::kModel, key));
  } else {
    ReleaseGenerated(Kind::kModel, model.meta);
    KeepOurAnnotations(model.meta);
    models_[key] = std::move(model);
  }
  Place(WorkloadKey(Kind::kModel, key));
  PlaceServicesOf(key);
}

void View::ApplyService(const ObjectEvent& event) {
  kube::InferenceService service = kube::DecodeInferenceService(event.object);
  const std::string key = service.meta.Key();
  expected_services_.erase(key);
  Unlink(key);
  if (event.type == ObjectEvent::Type::kDelete) {
    services_.erase(key);
    DropReservations(WorkloadKey(Kind::kInferenceService, key));
  } else {
    ReleaseGenerated(Kind::kInferenceService, service.meta);
    KeepOurAnnotations(service.meta);
    services_by_model_[service.meta.ns + "/" + service.model_ref].insert(key);
    services_[key] = std::move(service);
  }
  Place(WorkloadKey(Kind::kInferenceService, key));
}

void View::Unlink(const std::string& service_key) {
  const auto it = services_.find(service_key);
  if (it == services_.end()) return;
  const auto linked = services_by_model_.find(it->second.meta.ns + "/" + it->second.model_ref);
  if (linked == services_by_model_.end()) return;
  linked->second.erase(service_key);
  if (linked->second.empty()) services_by_model_.erase(linked);
}

void View::PlaceServicesOf(const std::string& model_key) {
  const auto it = services_by_model_.find(model_key);
  if (it == services_by_model_.end()) return;
  for (const std::string& service : it->second) {
    Place(WorkloadKey(Kind::kInferenceService, service));
  }
}

// The object exists now under its real name: the oldest promise made for its prefix is kept, for
// all replicas of that review.
void View::ReleaseGenerated(Kind kind, const kube::Meta& meta) {
  if (meta.generate_name.empty()) return;
  const bool known =
      kind == Kind::kModel ? models_.contains(meta.Key()) : services_.contains(meta.Key());
  if (known) return;
  const std::string prefix = GeneratedPrefix(kind, meta.ns, meta.generate_name);
  const auto first = reservations_.lower_bound(prefix);
  if (first == reservations_.end() || !first->first.starts_with(prefix)) return;
  const std::string made_up = first->first, key = WorkloadKey(kind, meta.Key());
  std::vector<Held> taken;
  for (auto it = first; it != reservations_.end() && IsOf(it->first, made_up);) {
    taken.push_back(std::move(it->second));
    it = reservations_.erase(it);
  }
  for (Held& held : taken) {
    held.reservation.key.replace(0, made_up.size(), key);
    held.reservation.name = meta.Key();
    const std::string renamed = held.reservation.key;
    reservations_.insert_or_assign(renamed, std::move(held));
  }
}

void View::DropReservations(const std::string& workload_key) {
  EraseReplicas(reservations_, workload_key);
}

void View::Unplace(const std::string& workload_key) {
  unplaced_.erase(workload_key);
  const auto it = placed_at_.find(workload_key);
  if (it == placed_at_.end()) return;
  if (const auto on = loads_.find(it->second); on != loads_.end()) {
    EraseReplicas(on->second, workload_key);
    if (on->second.empty()) loads_.erase(on);
  }
  placed_at_.erase(it);
}

void View::Place(const std::string& workload_key) {
  Unplace(workload_key);
  const auto workload = FindWorkload(workload_key);
  if (!workload || workload->meta.deleting) return;
  const std::string node =
      !workload->claimed_by.empty() ? workload->claimed_by : workload->node_name;
  placed_at_[workload_key] = node;
  for (int replica = 1; replica <= ReplicasOf(*workload); ++replica) {
    const std::string key = LoadKey(workload_key, replica);
    loads_[node][key] = Load{key, workload->meta.Key(), workload->claimed_footprint};
    // A claim for less than was admitted (the agent has not seen the edit yet) leaves the promise.
    const auto held = reservations_.find(key);
    const bool kept = held != reservations_.end() && !workload->claimed_by.empty() &&
                      workload->claimed_footprint.value_or(0) >= held->second.reservation.footprint;
    if (kept) reservations_.erase(held);
  }
  if (node.empty() && workload->meta.created) unplaced_[workload_key] = *workload->meta.created;
}

const kube::Model* View::StoredModel(std::string_view key) const {
  const auto it = models_.find(key);
  return it == models_.end() ? nullptr : &it->second;
}

const kube::Model* View::FindModel(std::string_view key) const {
  const auto expected = expected_models_.find(key);
  return expected != expected_models_.end() ? &expected->second.object : StoredModel(key);
}

const kube::InferenceService* View::FindService(std::string_view key) const {
  if (const auto it = expected_services_.find(key); it != expected_services_.end()) {
    return &it->second.object;
  }
  const auto it = services_.find(key);
  return it == services_.end() ? nullptr : &it->second;
}

std::vector<const kube::InferenceService*> View::ServicesOf(std::string_view model_key) const {
  std::vector<const kube::InferenceService*> out;
  for (const auto& [key, expected] : expected_services_) {
    const kube::InferenceService& service = expected.object;
    if (service.meta.ns + "/" + service.model_ref == model_key) out.push_back(&service);
  }
  const auto it = services_by_model_.find(model_key);
  if (it == services_by_model_.end()) return out;
  for (const std::string& key : it->second) {
    if (expected_services_.contains(key)) continue;  // counted above, or of another model now
    if (const auto found = services_.find(key); found != services_.end()) {
      out.push_back(&found->second);
    }
  }
  return out;
}

std::vector<const kube::Node*> View::NodesThatFetched(std::string_view source) const {
  constexpr size_t kEnough = 2;
  std::vector<const kube::Node*> out;
  const auto add = [&](const kube::Meta& meta) {
    const auto claim = meta.annotations.find(kube::kClaimedByAnnotation);
    if (claim == meta.annotations.end()) return;
    const auto node = nodes_.find(claim->second);
    const bool known =
        node != nodes_.end() && std::find(out.begin(), out.end(), &node->second) == out.end();
    if (known) out.push_back(&node->second);
  };
  for (const auto& [key, model] : models_) {
    if (model.source != source) continue;
    add(model.meta);
    for (const kube::InferenceService* service : ServicesOf(key)) add(service->meta);
    if (out.size() >= kEnough) break;
  }
  return out;
}

std::optional<kube::Workload> View::FindWorkload(std::string_view key) const {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view kind = key.substr(0, slash);
  const std::string_view name = key.substr(slash + 1, key.find('#') - slash - 1);
  if (kind == kube::TypeOf(Kind::kModel).kind) {
    const kube::Model* model = StoredModel(name);
    return model != nullptr ? kube::WorkloadOf(*model) : std::nullopt;
  }
  const auto service = services_.find(name);
  if (service == services_.end()) return std::nullopt;
  const kube::Model* model = StoredModel(service->second.meta.ns + "/" + service->second.model_ref);
  return model != nullptr ? kube::WorkloadOf(service->second, *model) : std::nullopt;
}

// The desk: one node of ours, so what names no node can only run there.
bool View::OnlyNode(std::string_view node) const {
  const auto it = nodes_.find(node);
  return publishing_ == 1 && it != nodes_.end() && it->second.publishes;
}

std::vector<Load> View::LoadsOn(std::string_view node, WallTime now) const {
  std::vector<Load> out;
  const auto on = loads_.find(node);
  if (on != loads_.end()) {
    for (const auto& [key, load] : on->second) out.push_back(load);
  }
  const auto unbound = loads_.find("");
  if (unbound != loads_.end() && OnlyNode(node)) {
    for (const auto& [key, load] : unbound->second) {
      const auto workload = FindWorkload(key);
      if (workload && !TargetNodes(*workload, node_list_).empty() &&
          IsOurs(*workload, node_list_)) {
        out.push_back(load);
      }
    }
  }
  for (const auto& entry : reservations_) {
    const Reservation& promised = entry.second.reservation;
    if (promised.node != node || entry.second.until <= now) continue;
    const auto placed = std::find_if(
        out.begin(), out.end(), [&promised](const Load& load) { return load.key == promised.key; });
    if (placed == out.end()) {
      out.push_back({promised.key, promised.name, promised.footprint});
    } else {
      placed->footprint = std::max(placed->footprint.value_or(0), promised.footprint);
    }
  }
  return out;
}

void View::Expect(kube::Model model, WallTime now) {
  const std::string key = model.meta.Key();
  expected_models_.insert_or_assign(key,
                                    Expected<kube::Model>{std::move(model), now + kExpectedTime});
}

void View::Expect(kube::InferenceService service, WallTime now) {
  const std::string key = service.meta.Key();
  expected_services_.insert_or_assign(
      key, Expected<kube::InferenceService>{std::move(service), now + kExpectedTime});
}

void View::DropExpired(WallTime now) {
  const auto expired = [now](const auto& item) { return item.second.until <= now; };
  std::erase_if(expected_models_, expired);
  std::erase_if(expected_services_, expired);
}

bool View::Reserved(std::string_view key, WallTime now) const {
  const auto it = reservations_.find(key);
  return it != reservations_.end() && it->second.until > now;
}

std::vector<std::string> View::Unplaced(WallTime now) {
  std::vector<std::string> keys;
  for (auto it = unplaced_.begin(); it != unplaced_.end();) {
    const bool over = now - it->second >= kReservationTime;
    if (!over && !Reserved(it->first, now)) keys.push_back(it->first);
    it = over ? unplaced_.erase(it) : std::next(it);
  }
  return keys;
}

void View::Reserve(Reservation reservation, WallTime now) {
  std::erase_if(reservations_, [now](const auto& item) { return item.second.until <= now; });
  const std::string key = reservation.key;
  reservations_[key] = Held{std::move(reservation), now + kReservationTime};
}

}  // namespace headroom::webhook
