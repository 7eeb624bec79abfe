// A contract double of the API server: HTTP/1.1 on loopback, answers scripted by a function, watch
// streams in chunks that can end, be cut in the middle, or stay open. One request a connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "kube/client.h"
#include "net/task_group.h"

namespace headroom::kube {

struct FakeRequest {
  std::string method, target, head, body;
  // Value of a header, "" if absent.
  std::string Header(const std::string& name) const;
};

struct FakeReply {
  int status = 200;
  std::string headers;                // extra lines, each with its CRLF
  std::string body;                   // when `chunks` is empty
  std::vector<std::string> chunks{};  // a stream
  enum class End { kProper, kCut, kStayOpen } end = End::kProper;
};
FakeReply JsonReply(int status, const Json& body);
FakeReply StatusReply(int code, const std::string& message, const std::string& headers = "");
FakeReply StreamReply(std::vector<std::string> chunks, FakeReply::End end);

class FakeApiServer {
 public:
  using Script = std::function<FakeReply(const FakeRequest&)>;

  explicit FakeApiServer(boost::asio::io_context& context);
  void OnRequest(Script script) { script_ = std::move(script); }
  Config ClientConfig() const;
  const std::vector<FakeRequest>& requests() const { return requests_; }
  void Stop() { tasks_.Cancel(); }
  boost::asio::awaitable<void> Join() { return tasks_.Join(); }

 private:
  boost::asio::awaitable<void> Accept();
  boost::asio::awaitable<void> Serve(boost::asio::ip::tcp::socket socket);

  boost::asio::ip::tcp::acceptor acceptor_;
  net::TaskGroup tasks_;
  Script script_;
  std::vector<FakeRequest> requests_;
};

}  // namespace headroom::kube
