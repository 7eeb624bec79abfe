// headroom-webhook whose own certificates live for seconds instead of months, so that a test sees
// several renewals. LEAF CA SETTLE (seconds) come before the flags.
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <iostream>

#include "net/run_to_end.h"
#include "webhook/app.h"

namespace {

namespace asio = boost::asio;
using headroom::webhook::App;

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
  headroom::net::RunToEnd(io, (*app)->RunUntilSignal());
  return 0;
}
