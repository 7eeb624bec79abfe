// headroom-webhook whose own certificates live for seconds instead of months, so that a test sees
// several renewals. LEAF CA SETTLE (seconds) come before the flags.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <iostream>

#include "net/async.h"
#include "net/task_group.h"
#include "webhook/app.h"

namespace {

namespace asio = boost::asio;
using headroom::webhook::App;

asio::awaitable<void> StopOnSignal(App& app) {
  co_await headroom::net::UntilSignal();
  co_await app.Stop();
}

asio::awaitable<void> Main(App& app, asio::any_io_executor executor) {
  headroom::net::TaskGroup group(executor);
  group.Spawn(app.Run());
  group.Spawn(StopOnSignal(app));
  co_await group.Join();
}

int Fail(std::string_view message) {
  std::cerr << "short-lived-webhook: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return Fail("expected LEAF CA SETTLE in seconds, then flags");
  headroom::webhook::Options options;
  options.times = {.leaf = std::chrono::seconds(std::atoi(argv[1])),
                   .ca = std::chrono::seconds(std::atoi(argv[2])),
                   .settle = std::chrono::seconds(std::atoi(argv[3])),
                   .check = std::chrono::milliseconds(500)};
  const auto flags = headroom::webhook::MakeFlags(options);
  const auto parsed = flags.Parse(std::vector<std::string>(argv + 4, argv + argc),
                                  [](const char*) { return nullptr; });
  if (!parsed) return Fail(parsed.error().message());
  asio::io_context io(1);
  auto app = App::Make(io.get_executor(), std::move(options));
  if (!app) return Fail(app.error().message());
  std::exception_ptr failure;
  asio::co_spawn(io, Main(**app, io.get_executor()),
                 [&failure](std::exception_ptr error) { failure = error; });
  io.run();
  return failure ? Fail("failed") : 0;
}
