#include "tests/kube/fake_api_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>

#include "common/ascii.h"

namespace headroom::kube {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

std::string Chunk(const std::string& data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

std::string Serialize(const FakeReply& reply) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nConnection: close\r\n" +
                    "Content-Type: application/json\r\n" + reply.headers;
  if (reply.chunks.empty()) {
    return out + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
  }
  out += "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& chunk : reply.chunks) out += Chunk(chunk);
  if (reply.end == FakeReply::End::kProper) out += "0\r\n\r\n";
  return out;
}

}  // namespace

std::string FakeRequest::Header(const std::string& name) const {
  const std::string lower = AsciiLower(head);
  const size_t at = lower.find("\r\n" + AsciiLower(name) + ":");
  if (at == std::string::npos) return "";
  const size_t start = head.find_first_not_of(' ', at + name.size() + 3);
  return head.substr(start, head.find("\r\n", start) - start);
}

FakeReply JsonReply(int status, const Json& body) { return {status, "", WriteJson(body)}; }

FakeReply StatusReply(int code, const std::string& message, const std::string& headers) {
  Json status = Json::MakeObject();
  status.Set("kind", "Status");
  status.Set("message", message);
  status.Set("code", code);
  return {code, headers, WriteJson(status)};
}

FakeReply StreamReply(std::vector<std::string> chunks, FakeReply::End end) {
  FakeReply reply;
  reply.chunks = std::move(chunks);
  reply.end = end;
  return reply;
}

FakeApiServer::FakeApiServer(asio::io_context& context)
    : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tasks_(context.get_executor(), net::TaskGroup::Mode::kIndependent) {
  tasks_.Spawn(Accept());
}

Config FakeApiServer::ClientConfig() const {
  Config config;
  config.server.scheme = "http";
  config.server.host = "127.0.0.1";
  config.server.port = acceptor_.local_endpoint().port();
  return config;
}

asio::awaitable<void> FakeApiServer::Accept() {
  for (;;) {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    tasks_.Spawn(Serve(std::move(socket)));
  }
}

asio::awaitable<void> FakeApiServer::Serve(tcp::socket socket) {
  std::string data;
  const auto [ec, head_size] =
      co_await asio::async_read_until(socket, asio::dynamic_buffer(data), "\r\n\r\n", kToken);
  if (ec) co_return;
  FakeRequest request;
  request.head = data.substr(0, head_size);
  request.body = data.substr(head_size);
  request.method = data.substr(0, data.find(' '));
  const size_t target = request.method.size() + 1;
  request.target = data.substr(target, data.find(' ', target) - target);
  const std::string length = request.Header("Content-Length");
  const size_t size = length.empty() ? 0 : std::stoul(length);
  if (size > request.body.size()) {
    std::string rest(size - request.body.size(), '\0');
    const auto [read_error, n] = co_await asio::async_read(socket, asio::buffer(rest), kToken);
    if (read_error) co_return;
    request.body += rest;
  }
  requests_.push_back(request);
  const FakeReply reply = script_ ? script_(request) : StatusReply(404, "not scripted");
  const std::string bytes = Serialize(reply);
  co_await asio::async_write(socket, asio::buffer(bytes), kToken);
  if (reply.end != FakeReply::End::kStayOpen) co_return;
  char byte;
  co_await asio::async_read(socket, asio::buffer(&byte, 1), kToken);  // until the client leaves
}

}  // namespace headroom::kube
