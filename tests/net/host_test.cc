#include "net/host.h"

#include <gtest/gtest.h>

namespace headroom::net {
namespace {

TEST(LooksNumeric, SeesWhatResolversReadAsAnAddress) {
  for (const char* host : {"127.1", "2130706433", "0x7f000001", "0X7F.1", "a.0x7f", "0177.0.0.1",
                           "10.0.0.1", "10.0.0.1.", "a.b.1", "0x"}) {
    EXPECT_TRUE(LooksNumeric(host)) << host;
  }
  for (const char* host :
       {"", ".", "example.com", "1.example.com", "10.0.0.1a", "x7f", "a.x0", "localhost.", "1-1"}) {
    EXPECT_FALSE(LooksNumeric(host)) << host;
  }
}

}  // namespace
}  // namespace headroom::net
