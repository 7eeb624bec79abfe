// WorkloadSet: the models and services the feeds have told of, joined to workloads. Pure: no I/O,
// no clock. Owned by the manager.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "kube/object_feed.h"
#include "kube/objects.h"
#include "kube/workload.h"

namespace headroom::exporter {

class WorkloadSet {
 public:
  struct Entry {
    kube::Workload workload;
    Json fields;        // the serving fields as written
    Json model_fields;  // Model.spec as written
    Json status;        // of the object that is claimed, as the API server last gave it
    std::string spec;   // changes exactly when the specification or the binding does
  };

  // Returns the keys of the workloads that may have changed, come or gone.
  std::vector<std::string> Apply(kube::Kind kind, const kube::ObjectEvent& event);

  const Entry* Find(const std::string& key) const;
  // Why a service that exists is not to run, as LLMKube names it in conditions: "Suspended",
  // "ManuallyScaledToZero"; "" for every other workload.
  std::string StopReason(const std::string& key) const;
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  struct ModelObject {
    kube::Model model;
    Json fields, model_fields, status;
    std::string spec;
  };
  struct ServiceObject {
    kube::InferenceService service;
    Json fields, status;
    std::string spec;
  };
  void JoinModel(const std::string& model_key, std::vector<std::string>& changed);
  void JoinService(const std::string& service_key, std::vector<std::string>& changed);
  void Put(const std::string& key, std::optional<Entry> entry, std::vector<std::string>& changed);

  std::map<std::string, ModelObject> models_;      // by namespace/name
  std::map<std::string, ServiceObject> services_;  // by namespace/name
  std::map<std::string, Entry> entries_;           // by Workload::Key()
};

}  // namespace headroom::exporter
