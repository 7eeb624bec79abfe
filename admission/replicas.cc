#include "admission/replicas.h"

#include <algorithm>

namespace headroom::admission {

std::string GeneratedKey(kube::Kind kind, std::string_view ns, std::string_view generate_name,
                         std::string_view review_uid) {
  std::string key(kube::TypeOf(kind).kind);
  return key.append("/")
      .append(ns)
      .append("/")
      .append(generate_name)
      .append("*#")
      .append(review_uid);
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

}  // namespace headroom::admission
