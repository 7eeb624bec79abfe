#include <cstdio>

#include "exporter/memory/metal_probe.h"

namespace headroom::exporter {

int RunMetalProbe() {
  std::puts(R"({"metal":null,"reason":"this system has no Metal"})");
  return 0;
}

}  // namespace headroom::exporter
