// What differs between llama.cpp versions for the estimate.
#pragma once

#include <string>
#include <string_view>

namespace headroom::estimator {

struct RuntimeTraits {
  std::string version;       // the version the formulas are for: "0.6.0"
  bool graph_inputs = true;  // the graph holds token and embedding inputs side by side
  bool pooled_index = true;  // a pooling indexer keeps the pooled key beside the raw one
  std::string note;          // for the operator when `asked` is not that version
};

// `asked`: "0.6.0", "0.6.3 (11669)", "" for the newest known.
RuntimeTraits TraitsOf(std::string_view asked);

}  // namespace headroom::estimator
