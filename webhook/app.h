// headroom-webhook put together: TLS, server, feeds, header cache, service. One a process (or one a
// test); everything runs on the executor given.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "common/result.h"
#include "webhook/options.h"

namespace headroom::webhook {

class App {
 public:
  // Everything that can be wrong at start is an error here, in one line: port in use, unreadable
  // certificate, broken kubeconfig, missing node file.
  static Result<std::unique_ptr<App>> Make(boost::asio::any_io_executor executor, Options options);
  ~App();

  std::string address() const;  // "127.0.0.1:9443"

  // Serves until cancelled or stopped.
  boost::asio::awaitable<void> Run();
  // Readiness fails at once; keeps accepting for --shutdown-delay, then drains. Run() then ends.
  boost::asio::awaitable<void> Stop();
  // Run(), and Stop() at SIGTERM or SIGINT: a whole program.
  boost::asio::awaitable<void> RunUntilSignal();

 private:
  struct State;
  explicit App(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headroom::webhook
