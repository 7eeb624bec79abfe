#include "cli/output/format.h"

#include <sstream>
#include <thread>

#include "common/yaml.h"

namespace headroom::cli {

void AddFormatFlag(Flags& flags, Format& format) {
  flags.Add("output,o", "table|wide|json|yaml", "how to print", "table",
            [&format](std::string_view text) -> Result<void> {
              if (text == "table") {
                format = Format::kTable;
              } else if (text == "wide") {
                format = Format::kWide;
              } else if (text == "json") {
                format = Format::kJson;
              } else if (text == "yaml") {
                format = Format::kYaml;
              } else {
                return Error(Code::kInvalid,
                             "expected table, wide, json or yaml, got '" + std::string(text) + "'");
              }
              return {};
            });
}

void PrintDocument(std::ostream& out, const Json& document, Format format) {
  out << (format == Format::kYaml ? WriteYaml(document) : WriteJsonPretty(document));
}

void AddWatchFlags(Flags& flags, WatchOptions& options) {
  flags.Add("watch,w", options.watch, "print again whenever something changed, until interrupted");
  flags.Add("interval", options.interval, "how often --watch looks");
}

int ShowUntil(Streams streams, const WatchOptions& options, const Render& render,
              const std::function<bool()>& wait) {
  if (!options.watch) return render(streams);
  constexpr char kClear[] = "\x1b[H\x1b[2J";
  std::string last;
  int code = kDone;
  do {
    std::ostringstream picture;
    code = render({.out = picture,
                   .err = streams.err,
                   .color = streams.color,
                   .program = streams.program,
                   .progress = streams.progress});
    if (picture.str() == last) continue;
    last = picture.str();
    streams.out << (streams.color ? kClear : "") << last << std::flush;
  } while (wait());
  return code;
}

int Show(Streams streams, const WatchOptions& options, const Render& render) {
  return ShowUntil(streams, options, render, [&options] {
    std::this_thread::sleep_for(options.interval);
    return true;
  });
}

}  // namespace headroom::cli
