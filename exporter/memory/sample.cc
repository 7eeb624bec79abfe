#include "exporter/memory/sample.h"

namespace headroom::exporter {

std::string_view ToString(Pressure level) {
  switch (level) {
    case Pressure::kNormal: return "normal";
    case Pressure::kWarning: return "warning";
    case Pressure::kCritical: return "critical";
    case Pressure::kUnknown: break;
  }
  return "unknown";
}

}  // namespace headroom::exporter
