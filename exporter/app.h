// App: one headroom-exporter. It owns the memory provider, the watchdog, the model manager, the
// server and, with a cluster, the API client; main gives it options and a signal ends it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "common/result.h"
#include "exporter/options.h"

namespace headroom::exporter {

class App {
 public:
  // Opens everything that can fail at start: the port, the state folder, certificates, kubeconfig.
  // Errors are one line for the operator. A missing llama-server is none: models say so.
  static Result<std::unique_ptr<App>> Make(boost::asio::any_io_executor executor,
                                           AppOptions options);
  ~App();

  // Until SIGINT or SIGTERM (or cancelled); drains the models first where that is asked for.
  boost::asio::awaitable<void> Run();

  std::string address() const;  // where it listens, "127.0.0.1:19834"

  struct State;  // app_state.h

 private:
  explicit App(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headroom::exporter
