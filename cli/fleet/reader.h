// Where a command's picture of the fleet comes from: a cluster, an exporter, node files, a folder
// of manifests. Blocking.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/fleet.h"
#include "common/flags.h"

namespace headroom::cli {

struct FleetOptions {
  std::string kubeconfig = {};
  std::vector<std::string> nodes = {};  // files and URLs
  std::string manifests = {};
};
void AddFleetFlags(Flags& flags, FleetOptions& options);

// Where to look, after defaults: `nodes` and `manifests` as given; without them a kubeconfig
// (given, else $KUBECONFIG, else ~/.kube/config if there is one); without that this machine's
// exporter.
struct FleetSource {
  std::string kubeconfig;  // "" = no cluster
  std::vector<std::string> nodes;
  std::string manifests;
};
FleetSource ResolveSource(const FleetOptions& options,
                          const std::function<const char*(const char*)>& getenv,
                          const std::function<bool(const std::string&)>& exists);
FleetSource ResolveSource(const FleetOptions& options);  // of this process

inline constexpr char kLocalExporter[] = "http://127.0.0.1:19834";
// "http://mac-1:19834" -> "http://mac-1:19834/v1/node"; anything with a path, and files, as is.
std::string NodeUrl(const std::string& text);

// The objects themselves, so that a caller can lay others over them.
Result<std::vector<Json>> ReadFleetObjects(const FleetSource& source);

// Body of one GET, parsed. `url` is HOST:PORT or an http(s) URL, `path` is appended to it.
Result<Json> GetJson(const std::string& url, const std::string& path);

}  // namespace headroom::cli
