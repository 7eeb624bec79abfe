#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "common/log.h"
#include "net/run_to_end.h"
#include "webhook/app.h"

namespace {

namespace asio = boost::asio;
using headroom::webhook::App;

int Fail(std::string_view message) {
  std::cerr << "headroom-webhook: " << message << "\n";
  return 1;
}

int Serve(headroom::webhook::Options options) {
  headroom::SetLogLevel(options.log_level);
  asio::io_context io(1);
  auto app = App::Make(io.get_executor(), std::move(options));
  if (!app) return Fail(app.error().message());
  headroom::net::RunToEnd(io, (*app)->RunUntilSignal());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  headroom::webhook::Options options;
  const headroom::Flags flags = headroom::webhook::MakeFlags(options);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto parsed = flags.Parse(arguments, [](const char* name) { return std::getenv(name); });
  if (!parsed) return Fail(parsed.error().message());
  if (parsed->help) {
    std::cout << flags.Help();
    return 0;
  }
  if (parsed->version) {
    std::cout << "headroom-webhook " HEADROOM_VERSION "\n";
    return 0;
  }
  if (!parsed->positional.empty()) {
    return Fail("unexpected argument '" + parsed->positional[0] + "'; --help tells more");
  }
  try {
    return Serve(std::move(options));
  } catch (const std::exception& error) {
    return Fail(error.what());
  }
}
