#include "kube/client.h"

namespace headroom::kube {

std::string ResourcePath(const ResourceType& type, std::string_view ns, std::string_view name,
                         std::string_view subresource) {
  // Only the core group, which has a version and no name, lives under /api.
  const bool core = type.group_version.find('/') == std::string_view::npos;
  std::string path(core ? "/api/" : "/apis/");
  path.append(type.group_version);
  if (!ns.empty()) path.append("/namespaces/").append(net::PercentEncode(ns));
  path.append("/").append(type.plural);
  if (!name.empty()) path.append("/").append(net::PercentEncode(name));
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace headroom::kube
