// The output flags that all commands share: -o table|wide|json|yaml and --watch.
#pragma once

#include <functional>
#include <string>

#include "cli/cli.h"
#include "common/json.h"

namespace headroom::cli {

enum class Format { kTable, kWide, kJson, kYaml };

void AddFormatFlag(Flags& flags, Format& format);
inline bool IsDocument(Format format) { return format == Format::kJson || format == Format::kYaml; }
// `format` is kJson or kYaml.
void PrintDocument(std::ostream& out, const Json& document, Format format);

struct WatchOptions {
  bool watch = false;
  std::chrono::milliseconds interval{2'000};
};
void AddWatchFlags(Flags& flags, WatchOptions& options);

// `render` once; with --watch again and again until interrupted, printed only when it changed: over
// the last picture on a terminal, below it elsewhere. `wait` is asked before each further picture;
// false ends the loop (tests).
using Render = std::function<int(Streams streams)>;
int Show(Streams streams, const WatchOptions& options, const Render& render);
int ShowUntil(Streams streams, const WatchOptions& options, const Render& render,
              const std::function<bool()>& wait);

}  // namespace headroom::cli
