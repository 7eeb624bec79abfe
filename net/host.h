// What a host name may look like, before anybody resolves it. Pure.
#pragma once

#include <string_view>

namespace headroom::net {

// Names that resolvers read as addresses ("127.1", "2130706433", "0x7f.1", "0177.0.0.1") although
// they are none in full form; so are full dotted decimal ones. An allow-list and the resolver must
// see the same address, so callers take such a name only if it is a proper address. WHATWG's URL
// standard calls it "ends in a number"; one dot behind the name is ignored.
bool LooksNumeric(std::string_view host);

}  // namespace headroom::net
