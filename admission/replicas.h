// Keys under which each replica of a workload counts by itself. Pure.
#pragma once

#include <string>
#include <string_view>

#include "kube/workload.h"

namespace headroom::admission {

// One key for each replica: the workload's own for the first, "KEY#2" and so on for further ones.
std::string LoadKey(const std::string& workload_key, int replica);
// Whether two keys by LoadKey() are of replicas of one workload.
bool SameWorkload(std::string_view a, std::string_view b);
// Replicas that count: at most the CRD's maximum, whatever an object says.
int ReplicasOf(const kube::Workload& workload);

// The key of an object whose name the API server makes up later.
std::string GeneratedKey(kube::Kind kind, std::string_view ns, std::string_view generate_name,
                         std::string_view review_uid);

}  // namespace headroom::admission
