// The table files, as embedded.S lays them into the program.
#include "estimator/graph/compute_graphs.h"

extern "C" {
extern const char headroom_graphs_0_5_0[], headroom_graphs_0_5_0_end[];
extern const char headroom_graphs_0_6_0[], headroom_graphs_0_6_0_end[];
}

namespace headroom::estimator {

std::string_view GraphTableOf(std::string_view version) {
  if (version == "0.5.0") return {headroom_graphs_0_5_0, headroom_graphs_0_5_0_end};
  if (version == "0.6.0") return {headroom_graphs_0_6_0, headroom_graphs_0_6_0_end};
  return {};
}

}  // namespace headroom::estimator
