// headroom-exporter: options, one io_context, one App.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "common/log.h"
#include "exporter/app.h"
#include "exporter/memory/metal_probe.h"
#include "exporter/models/guard.h"
#include "exporter/options.h"
#include "net/run_to_end.h"

namespace {

using headroom::Error;

int Fail(const std::string& message) {
  std::fprintf(stderr, "headroom-exporter: %s\n", message.c_str());
  return 1;
}

std::string HostName() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

int Serve(headroom::exporter::AppOptions options) {
  boost::asio::io_context context(1);
  auto app = headroom::exporter::App::Make(context.get_executor(), std::move(options));
  if (!app) return Fail(app.error().message());
  headroom::net::RunToEnd(context, (*app)->Run());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 1 && args[0] == "--probe-metal") {
    return headroom::exporter::RunMetalProbe();
  }
  if (args.size() == 2 && args[0] == "--guard") return headroom::exporter::RunGuard(args[1]);
  try {
    auto line = headroom::exporter::ParseCommandLine(args, &std::getenv, HostName());
    if (!line) return Fail(line.error().message());
    if (!line->print.empty()) {
      std::fputs(line->print.c_str(), stdout);
      return 0;
    }
    headroom::SetLogLevel(line->options.log_level);
    return Serve(std::move(line->options));
  } catch (const std::exception& error) {
    return Fail(error.what());
  }
}
