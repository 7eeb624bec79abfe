// Where the view's objects come from (cluster watches, node lists, a folder of manifests), and
// whether all of them have delivered. Owns the feeds' status; the view is the caller's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <memory>
#include <string>

#include "kube/client.h"
#include "kube/object_feed.h"
#include "net/http_client.h"
#include "net/task_group.h"
#include "webhook/options.h"
#include "webhook/view.h"

namespace headroom::webhook {

struct Feed {
  std::string name;  // "nodes", "models", "manifests", "nodes:FILE-or-URL"
  kube::FeedStatus status;
};

class Feeds {
 public:
  // Errors are those of a bad start: broken kubeconfig, missing node file, missing folder.
  static Result<std::unique_ptr<Feeds>> Make(boost::asio::any_io_executor executor,
                                             const Options& options, View& view);

  // Spawns one task a feed into `group`.
  void Spawn(net::TaskGroup& group);
  // "" when every feed has delivered, else what is missing.
  std::string Missing() const;
  // Null without a cluster.
  kube::ApiClient* api() const { return api_.get(); }
  const std::deque<Feed>& all() const { return feeds_; }

 private:
  Feeds(boost::asio::any_io_executor executor, const Options& options, View& view);
  Feed& Add(std::string name);
  void SpawnCluster(net::TaskGroup& group);

  Options options_;
  View& view_;
  net::HttpClient client_;  // for node lists by URL
  std::unique_ptr<kube::ApiClient> api_;
  std::deque<Feed> feeds_;  // stable addresses: the coroutines write here
};

}  // namespace headroom::webhook
