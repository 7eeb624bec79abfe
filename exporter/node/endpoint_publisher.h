// Keeps Service and EndpointSlice of each served model as the model is, with a heartbeat every 30
// s: not ready while it does not answer, both removed when it is not served here any more or its
// object is gone. What another node holds by now is left to that one. One per process; failures are
// logged and tried again at the next heartbeat.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>

#include "exporter/node/endpoint_document.h"
#include "kube/client.h"
#include "net/async.h"

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

  // What becomes of an endpoint that is not ready.
  enum class Fate {
    kKept,
    kGone,       // with the object it served, or with the serving of it
    kElsewhere,  // another node has claimed the object, and the endpoint with it
  };
  // `object` as the API server has it now; pure.
  static Fate DecideFate(const Json& object, const std::string& uid, const std::string& node);

 private:
  struct Word {
    EndpointChange change;
    uint64_t word = 0;  // of words_, when it was said
  };
  class Turn;
  bool IsNewest(const std::string& key, uint64_t word) const;
  boost::asio::awaitable<Result<void>> CarryOut(EndpointChange change, Fate fate);
  boost::asio::awaitable<Result<void>> Write(EndpointChange change);
  boost::asio::awaitable<Result<void>> WithdrawOther(EndpointChange change);
  boost::asio::awaitable<Result<void>> Put(const kube::ResourceType& type, std::string name,
                                           Json object);
  boost::asio::awaitable<Result<Fate>> FateOf(EndpointChange change);
  boost::asio::awaitable<Result<void>> Remove(EndpointChange change);
  boost::asio::awaitable<Result<bool>> RemoveManaged(std::string path, std::string owner);
  boost::asio::awaitable<void> ReapLegacy(std::string ns, std::string name);

  kube::ApiClient& api_;
  std::string node_;
  std::map<std::string, Word> known_;  // the newest, by kind/namespace/name
  uint64_t words_ = 0;
  std::set<std::string> busy_;  // being written; one at a time for each object
  net::Notifier idle_;
  std::set<std::string> reaped_;  // ns/name that no Endpoints of LLMKube's agent is left for
  std::map<std::string, std::string> problems_;  // told once per change
};

}  // namespace headroom::exporter
