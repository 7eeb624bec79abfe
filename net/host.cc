#include "net/host.h"

namespace headroom::net {

bool LooksNumeric(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 == 0
  if (last.starts_with("0x") || last.starts_with("0X")) return true;
  return !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace headroom::net
