// The llama-server whose --help is recorded in tests/data.
#pragma once

#include "common/files.h"
#include "exporter/models/runtime.h"

namespace headroom::exporter {

inline Runtime RecordedRuntime() {
  const auto help = ReadFile(std::string(HEADROOM_TEST_DATA) + "/llama-server/help-0.7.0.txt");
  return {.executable = "/bin/llama-server",
          .version = "0.7.0",
          .flags = *ParseRuntimeFlags(help.value())};
}

}  // namespace headroom::exporter
