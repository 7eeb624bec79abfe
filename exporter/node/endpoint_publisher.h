// Keeps Service and EndpointSlice of each served model as the model is, with a heartbeat every 30
// s. A withdrawn endpoint stays as not ready while its object exists; both go with the object. One
// per process; failures are logged and tried again at the next heartbeat.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <string>

#include "exporter/node/endpoint_document.h"
#include "kube/client.h"

namespace headroom::exporter {

class EndpointPublisher {
 public:
  static constexpr std::chrono::seconds kHeartbeat{30};

  // `api` outlives this. `node` is this node's name.
  EndpointPublisher(kube::ApiClient& api, std::string node) : api_(api), node_(std::move(node)) {}

  // ManagerSeams::endpoint.
  boost::asio::awaitable<void> Apply(EndpointChange change);
  // Heartbeats until cancelled.
  boost::asio::awaitable<void> Run(std::chrono::milliseconds interval = kHeartbeat);

 private:
  boost::asio::awaitable<Result<void>> Write(EndpointChange change);
  boost::asio::awaitable<Result<void>> Put(const kube::ResourceType& type, std::string name,
                                           Json object);
  boost::asio::awaitable<bool> ObjectIsGone(EndpointChange change);
  boost::asio::awaitable<Result<void>> Remove(EndpointChange change);

  kube::ApiClient& api_;
  std::string node_;
  std::map<std::string, EndpointChange> known_;  // by kind/namespace/name
  std::map<std::string, std::string> problems_;  // told once per change
};

}  // namespace headroom::exporter
