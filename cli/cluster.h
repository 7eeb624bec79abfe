// A cluster for commands: blocking calls to the API server of a kubeconfig. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "kube/config.h"
#include "kube/objects.h"

namespace headroom::cli {

// Where an object is written: the collection, and the object in it. Pure.
struct ObjectPath {
  std::string collection, object;
};
ObjectPath PathOf(const Json& object);

class Cluster {
 public:
  // Reads the kubeconfig; nothing is dialled yet.
  static Result<std::unique_ptr<Cluster>> Connect(const std::string& kubeconfig);
  ~Cluster();

  // Errors carry the API server's own message.
  Result<Json> Get(const std::string& path);
  // The items of all namespaces, with the kind and apiVersion that lists leave out.
  Result<std::vector<Json>> List(const kube::ResourceType& type);
  Result<Json> Create(const std::string& path, Json object);
  Result<Json> Update(const std::string& path, Json object);
  Result<Json> Patch(const std::string& path, Json patch);  // merge patch
  // Creates it, or merges it into what is there; "clusterrole NAME created" or "... configured".
  Result<std::string> Apply(const Json& object);

  const kube::Config& config() const;

 private:
  struct State;
  explicit Cluster(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headroom::cli
