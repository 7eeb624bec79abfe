// Takes part in an election until cancelled; see election.h for the rules. Needs get, update and
// create on leases in its namespace.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "kube/client.h"
#include "kube/election.h"

namespace headroom::kube {

class Leader {
 public:
  // `client` must outlive this. `identity` is unique among the replicas.
  Leader(ApiClient& client, std::string ns, std::string name, std::string identity);

  // `on_change` is called when we begin or cease to lead.
  boost::asio::awaitable<void> Run(std::function<void()> on_change);
  // Hands over and stands for no election any more; for the end of the process.
  boost::asio::awaitable<void> Release();

  bool leads() const { return election_.Leads(std::chrono::steady_clock::now()); }

 private:
  boost::asio::awaitable<Result<void>> Take();
  boost::asio::awaitable<Result<Json>> Write(bool exists, Json lease);

  ApiClient& client_;
  std::string ns_, name_;
  Election election_;
  bool retired_ = false;
};

}  // namespace headroom::kube
