// A file host over TLS that does exactly what a test wants, byte by byte: cut answers, drips,
// stalls, wrong heads. One request per connection. Certificates are made for each process.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "certs/certs.h"
#include "net/stream.h"
#include "net/task_group.h"
#include "net/tls.h"

namespace headroom::sources::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A folder that goes with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "headroom-sources-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Identity {
  std::string ca_pem;
  std::unique_ptr<net::TlsServer> server;
};

inline const Identity& TestIdentity() {
  static const Identity identity = [] {
    const TempFolder folder;
    const auto now = std::chrono::system_clock::now();
    const auto ca = certs::MakeCa("test", now, std::chrono::hours(24));
    const auto leaf = certs::MakeLeaf(*ca, {.common_name = "hub", .ip_addresses = {"127.0.0.1"}},
                                      now, std::chrono::hours(24));
    const std::string certificate = folder.path() + "/tls.crt", key = folder.path() + "/tls.key";
    std::ofstream(certificate) << leaf->certificate_pem;
    std::ofstream(key) << leaf->key_pem;
    net::TlsServerOptions options;
    options.certificate_file = certificate;
    options.key_file = key;
    auto server = net::TlsServer::Load(options);
    return Identity{ca->certificate_pem, std::move(*server)};
  }();
  return identity;
}

// What goes over the wire, in pieces with a pause before each; then the connection is closed, or
// held open in silence.
struct Reply {
  std::string bytes;
  size_t piece = SIZE_MAX;
  std::chrono::milliseconds pause{0};
  bool hold = false;
};

class HubDouble {
 public:
  using Script = std::function<Reply(const std::string& request)>;

  HubDouble(asio::io_context& context, Script script)
      : script_(std::move(script)),
        acceptor_(context, {asio::ip::address_v4::loopback(), 0}),
        tasks_(context.get_executor(), net::TaskGroup::Mode::kIndependent) {
    tasks_.Spawn(Accept());
  }
  std::string HostPort() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::string UrlOf(const std::string& target) const { return "https://" + HostPort() + target; }
  void set_script(Script script) { script_ = std::move(script); }
  asio::awaitable<void> Stop() {
    tasks_.Cancel();
    co_await tasks_.Join();
  }

  std::vector<std::string> requests;  // heads, in order

 private:
  asio::awaitable<void> Accept() {
    for (;;) {
      auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
      tasks_.Spawn(Serve(net::ByteStream(std::move(socket))));
    }
  }

  asio::awaitable<void> Serve(net::ByteStream stream) {
    const auto shaken = co_await stream.AcceptTls(TestIdentity().server->Current(), net::After(5s));
    if (!shaken) co_return;
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto got = co_await stream.ReadSome(asio::buffer(buffer), net::After(5s));
      if (!got || *got == 0) co_return;
      head.append(buffer, *got);
    }
    requests.push_back(head);
    const Reply reply = script_(head);
    for (size_t at = 0; at < reply.bytes.size();) {
      if (reply.pause.count() > 0) co_await net::SleepFor(reply.pause);
      const std::string piece = reply.bytes.substr(at, reply.piece);
      at += piece.size();
      const auto written = co_await stream.Write(piece, net::After(5s));
      if (!written) co_return;
    }
    if (reply.hold) (void)co_await stream.ReadSome(asio::buffer(buffer), net::After(30s));
    stream.Close();
  }

  Script script_;
  asio::ip::tcp::acceptor acceptor_;
  net::TaskGroup tasks_;
};

}  // namespace headroom::sources::test
