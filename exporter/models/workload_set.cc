#include "exporter/models/workload_set.h"

#include <optional>

#include "sources/source.h"

namespace headroom::exporter {
namespace {

using kube::Kind;
using kube::ObjectEvent;

Json Member(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = object.Find(path);
  return value != nullptr ? *value : Json();
}

// What decides how and where it runs; not our own claim, not the status.
std::string SpecText(const Json& object, const kube::Meta& meta) {
  const auto binding = meta.annotations.find(kube::kNodeAnnotation);
  std::string text = WriteJson(Member(object, {"spec"}));
  text += binding == meta.annotations.end() ? "" : binding->second;
  if (meta.deleting) text += " deleting";
  return text;
}

// A bare name of a projector lies beside the model's file.
void ResolveProjector(kube::Workload& workload) {
  const auto model = sources::ParseSource(workload.source);
  if (!model || workload.spec.mmproj.empty()) return;
  const auto projector = sources::ParseBeside(workload.spec.mmproj, *model);
  if (projector) workload.spec.mmproj = projector->text;
}

std::string KeyOf(Kind kind, const std::string& name) {
  return std::string(kube::TypeOf(kind).kind) + "/" + name;
}

}  // namespace

std::vector<std::string> WorkloadSet::Apply(Kind kind, const ObjectEvent& event) {
  std::vector<std::string> changed;
  if (event.type == ObjectEvent::Type::kSynced) return changed;
  const bool gone = event.type == ObjectEvent::Type::kDelete;
  const kube::Meta meta = kube::DecodeMeta(event.object);
  const std::string name = meta.Key();
  if (kind == Kind::kModel) {
    models_.erase(name);
    if (!gone) {
      models_[name] = {kube::DecodeModel(event.object), Member(event.object, {"spec", "serving"}),
                       Member(event.object, {"spec"}), Member(event.object, {"status"}),
                       SpecText(event.object, meta)};
    }
    JoinModel(name, changed);
  } else if (kind == Kind::kInferenceService) {
    services_.erase(name);
    if (!gone) {
      services_[name] = {kube::DecodeInferenceService(event.object), Member(event.object, {"spec"}),
                         Member(event.object, {"status"}), SpecText(event.object, meta)};
    }
    JoinService(name, changed);
  }
  return changed;
}

void WorkloadSet::JoinModel(const std::string& model_key, std::vector<std::string>& changed) {
  const auto found = models_.find(model_key);
  std::optional<Entry> entry;
  if (found != models_.end()) {
    const ModelObject& object = found->second;
    if (auto workload = kube::WorkloadOf(object.model)) {
      entry = Entry{std::move(*workload), object.fields, object.model_fields, object.status,
                    object.spec};
    }
  }
  Put(KeyOf(Kind::kModel, model_key), std::move(entry), changed);
  for (const auto& [key, object] : services_) {
    if (object.service.meta.ns + "/" + object.service.model_ref == model_key) {
      JoinService(key, changed);
    }
  }
}

void WorkloadSet::JoinService(const std::string& service_key, std::vector<std::string>& changed) {
  const auto found = services_.find(service_key);
  std::optional<Entry> entry;
  if (found != services_.end()) {
    const ServiceObject& object = found->second;
    const auto model = models_.find(object.service.meta.ns + "/" + object.service.model_ref);
    if (model != models_.end()) {
      if (auto workload = kube::WorkloadOf(object.service, model->second.model)) {
        entry = Entry{std::move(*workload), object.fields, model->second.model_fields,
                      object.status, object.spec + model->second.spec};
      }
    }
  }
  Put(KeyOf(Kind::kInferenceService, service_key), std::move(entry), changed);
}

void WorkloadSet::Put(const std::string& key, std::optional<Entry> entry,
                      std::vector<std::string>& changed) {
  const bool known = entries_.erase(key) > 0;
  if (entry) ResolveProjector(entry->workload);
  if (entry) entries_.emplace(key, std::move(*entry));
  if (known || entries_.count(key)) changed.push_back(key);
}

const WorkloadSet::Entry* WorkloadSet::Find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

std::string WorkloadSet::StopReason(const std::string& key) const {
  const std::string prefix = KeyOf(Kind::kInferenceService, "");
  if (key.compare(0, prefix.size(), prefix) != 0) return "";
  const auto found = services_.find(key.substr(prefix.size()));
  if (found == services_.end() || found->second.service.serving.enabled) return "";
  return found->second.service.serving.replicas > 0 ? "Suspended" : "ManuallyScaledToZero";
}

}  // namespace headroom::exporter
