#include "webhook/view.h"

#include <algorithm>

namespace headroom::webhook {
namespace {

using admission::LoadKey;
using admission::ReplicasOf;
using kube::Kind;
using kube::ObjectEvent;

std::string WorkloadKey(Kind kind, std::string_view object_key) {
  return std::string(kube::TypeOf(kind).kind) + "/" + std::string(object_key);
}

// "Model/team-a/llama#2" -> {kModel, "team-a/llama"}
struct WorkloadName {
  Kind kind;
  std::string_view object_key;
};
WorkloadName NameOf(std::string_view key) {
  const size_t slash = std::min(key.find('/'), key.size());
  const bool model = key.substr(0, slash) == kube::TypeOf(Kind::kModel).kind;
  key.remove_prefix(std::min(slash + 1, key.size()));
  return {model ? Kind::kModel : Kind::kInferenceService, key.substr(0, key.find('#'))};
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

}  // namespace

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
  const std::string key = ApplyObject(Kind::kModel, event);
  expected_models_.erase(key);
  Place(WorkloadKey(Kind::kModel, key));
  for (const kube::InferenceService& service : objects_.ServicesOf(key)) {
    Place(WorkloadKey(Kind::kInferenceService, service.meta.Key()));
  }
}

void View::ApplyService(const ObjectEvent& event) {
  const std::string key = ApplyObject(Kind::kInferenceService, event);
  expected_services_.erase(key);
  Place(WorkloadKey(Kind::kInferenceService, key));
}

std::string View::ApplyObject(Kind kind, const ObjectEvent& event) {
  const kube::Meta meta = kube::DecodeMeta(event.object);
  if (event.type == ObjectEvent::Type::kDelete) {
    objects_.Erase(kind, meta.Key());
    DropReservations(WorkloadKey(kind, meta.Key()));
    return meta.Key();
  }
  ReleaseGenerated(kind, meta);
  return objects_.Put(kind, event.object);
}

// The object exists now under its real name: the oldest promise made for its prefix is kept, for
// all replicas of that review.
void View::ReleaseGenerated(Kind kind, const kube::Meta& meta) {
  if (meta.generate_name.empty()) return;
  if (objects_.Contains(kind, meta.Key())) return;
  const std::string prefix = admission::GeneratedKey(kind, meta.ns, meta.generate_name, "");
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
  const auto it = placed_.find(workload_key);
  if (it == placed_.end()) return;
  const NodeLoads::iterator on = it->second;
  placed_.erase(it);
  EraseReplicas(on->second, workload_key);
  if (on->second.empty()) loads_.erase(on);
}

void View::Place(const std::string& workload_key) {
  Unplace(workload_key);
  const auto workload = FindWorkload(workload_key);
  if (!workload || workload->meta.deleting) return;
  const std::string& node =
      !workload->claimed_by.empty() ? workload->claimed_by : workload->node_name;
  const NodeLoads::iterator on = loads_.try_emplace(node).first;
  placed_[workload_key] = on;
  for (int replica = 1; replica <= ReplicasOf(*workload); ++replica) {
    const std::string key = LoadKey(workload_key, replica);
    on->second[key] = workload->claimed_footprint;
    // A claim for less than was admitted (the agent has not seen the edit yet) leaves the promise.
    const auto held = reservations_.find(key);
    const bool kept = held != reservations_.end() && !workload->claimed_by.empty() &&
                      workload->claimed_footprint.value_or(0) >= held->second.reservation.footprint;
    if (kept) reservations_.erase(held);
  }
  if (node.empty() && workload->meta.created) unplaced_[workload_key] = *workload->meta.created;
}

std::optional<kube::Model> View::FindModel(std::string_view key) const {
  const auto expected = expected_models_.find(key);
  return expected != expected_models_.end() ? expected->second.object : objects_.FindModel(key);
}

std::optional<kube::InferenceService> View::FindService(std::string_view key) const {
  const auto expected = expected_services_.find(key);
  return expected != expected_services_.end() ? expected->second.object : objects_.FindService(key);
}

std::vector<kube::InferenceService> View::ServicesOf(std::string_view model_key) const {
  std::vector<kube::InferenceService> out;
  for (const auto& [key, expected] : expected_services_) {
    if (ModelKeyOf(expected.object) == model_key) out.push_back(expected.object);
  }
  for (kube::InferenceService& service : objects_.ServicesOf(model_key)) {
    // Counted above, or of another model now.
    if (!expected_services_.contains(service.meta.Key())) out.push_back(std::move(service));
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
  for (const kube::Model& model : objects_.ModelsOf(source)) {
    add(model.meta);
    for (const kube::InferenceService& service : ServicesOf(model.meta.Key())) add(service.meta);
    if (out.size() >= kEnough) break;
  }
  return out;
}

std::optional<kube::Workload> View::FindWorkload(std::string_view key) const {
  const WorkloadName name = NameOf(key);
  if (name.kind == Kind::kModel) {
    const auto model = objects_.FindModel(name.object_key);
    return model ? kube::WorkloadOf(*model) : std::nullopt;
  }
  const auto service = objects_.FindService(name.object_key);
  if (!service) return std::nullopt;
  const auto model = objects_.FindModel(ModelKeyOf(*service));
  return model ? kube::WorkloadOf(*service, *model) : std::nullopt;
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
    for (const auto& [key, bytes] : on->second) out.push_back({key, NameOf(key).object_key, bytes});
  }
  const auto unbound = loads_.find("");
  if (unbound != loads_.end() && OnlyNode(node)) {
    for (const auto& [key, bytes] : unbound->second) {
      const auto workload = FindWorkload(key);
      if (workload && !TargetNodes(*workload, node_list_).empty() &&
          IsOurs(*workload, node_list_)) {
        out.push_back({key, NameOf(key).object_key, bytes});
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
