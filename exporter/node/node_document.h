// Node objects of a host without a kubelet: what is registered, patched, and served at /v1/node.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/json.h"
#include "common/time.h"
#include "estimator/budget.h"

namespace headroom::exporter {

// A Node is ours to keep alive (Lease, conditions) if it carries this; a kubelet's does not.
inline constexpr std::string_view kProviderPrefix = "headroom://";
inline constexpr std::string_view kRegisteredLabel = "headroom.dev/registered";
inline constexpr std::string_view kLeaseLabel = "headroom.dev/lease";  // a kubelet's has it not
inline constexpr std::string_view kNoPodsTaint = "headroom.dev/no-pods";

struct NodeIdentity {
  std::string name;
  std::string os, arch;  // "darwin"/"linux", "arm64"/"amd64": Go's words, as Kubernetes uses them
  std::string kernel;    // "Darwin 24.4.0"
  uint32_t cpus = 0;
  std::string address;  // where others reach this host, an IP; "" = not said
};
NodeIdentity ThisHost(std::string name, std::string address);

// True for a Node object that an exporter registered.
bool IsRegistered(const Json& node);

// metadata and spec to create the Node with: labels, NoSchedule taint, provider id.
Json RegistrationDocument(const NodeIdentity& identity, const estimator::NodeCapacity& capacity);

// {"status": ...} for a merge patch of the status of our own Node: no pods, Ready, and
// MemoryPressure by the level. `previous` is the Node as last seen (its transition times stay where
// nothing changed); null = none.
Json StatusDocument(const NodeIdentity& identity, const estimator::NodeCapacity& capacity,
                    const Json& previous, WallTime now);

// {"metadata": {"annotations": ...}} for a merge patch, with null for what no longer holds.
Json AnnotationPatch(const estimator::NodeCapacity& capacity);

// The Lease by which the cluster sees that the host is alive. `uid` of the Node it belongs to, "" =
// none is known.
Json LeaseDocument(const std::string& name, const std::string& uid, std::chrono::seconds duration,
                   WallTime now);

// The whole Node exactly as the API would give it: /v1/node, and `--nodes` of the webhook.
Json NodeDocument(const NodeIdentity& identity, const estimator::NodeCapacity& capacity,
                  WallTime now);

}  // namespace headroom::exporter
