#include "sources/node_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::sources {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* metrics_address;
  std::vector<std::string> addresses;
  const char* refusal;  // part of it; "" = may be asked
};

void Check(const NodeAddressPolicy& policy, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto url = policy.Check({row.metrics_address, row.addresses});
    const std::string error = url ? "" : url.error().message();
    EXPECT_EQ(url.has_value(), *row.refusal == '\0') << row.metrics_address << ": " << error;
    EXPECT_THAT(error, HasSubstr(row.refusal)) << row.metrics_address;
  }
}

TEST(NodeAddressPolicy, GrantsANodeItsOwnAddressesOnly) {
  Check(*NodeAddressPolicy::Parse({}, false),
        {
            {"10.0.0.5:19834", {"10.0.0.5"}, ""},
            {"http://10.0.0.5:19834", {"mac-1", "10.0.0.5"}, ""},
            {"https://10.0.0.5", {"10.0.0.5"}, ""},
            {"https://mac-1.example:19834", {"10.0.0.5", "Mac-1.example"}, ""},
            {"[fd00::5]:19834", {"fd00:0::5"}, ""},
            {"100.101.1.2:19834", {"100.101.1.2"}, ""},  // a Tailscale network
            {"10.0.0.6:19834", {"10.0.0.5"}, "none of the node's own"},
            {"mac-2:19834", {"mac-1", "10.0.0.5"}, "none of the node's own"},
            {"10.0.0.5.evil.example:80", {"10.0.0.5"}, "none of the node's own"},
            {"10.0.0.5:19834", {}, "none of the node's own"},
            {"", {""}, "no HOST:PORT"},
            {"ftp://10.0.0.5", {"10.0.0.5"}, "no HOST:PORT"},
            {"http://10.0.0.5@10.0.0.6:80", {"10.0.0.5"}, "no HOST:PORT"},
            // Whatever a status says: not this machine, not a cloud's metadata.
            {"127.0.0.1:19834", {"127.0.0.1"}, "loopback, link-local"},
            {"169.254.169.254:80", {"169.254.169.254"}, "loopback, link-local"},
            {"0.0.0.0:80", {"0.0.0.0"}, "loopback, link-local"},
            {"224.0.0.1:80", {"224.0.0.1"}, "loopback, link-local"},
            {"[::1]:80", {"::1"}, "loopback, link-local"},
            {"[::ffff:127.0.0.1]:80", {"127.0.0.1"}, "loopback, link-local"},
            {"[fe80::1]:80", {"fe80::1"}, "loopback, link-local"},
            {"[64:ff9b::a00:5]:80", {"64:ff9b::a00:5"}, "loopback, link-local"},
        });
}

TEST(NodeAddressPolicy, AnAllowedPrefixNeedsNoStatus) {
  Check(*NodeAddressPolicy::Parse({"10.1.0.0/16", "127.0.0.0/8", "::1"}, false),
        {
            {"10.1.255.255:19834", {}, ""},
            {"127.0.0.1:19834", {}, ""},
            {"[::1]:19834", {}, ""},
            {"10.2.0.0:19834", {}, "none of the node's own"},
            {"localhost:19834", {}, "none of the node's own"},
        });
}

TEST(NodeAddressPolicy, WithACaTheTokenGoesOverTlsOnly) {
  Check(*NodeAddressPolicy::Parse({"10.1.0.0/16"}, true),
        {
            {"https://10.1.0.5:19834", {}, ""},
            {"10.1.0.5:19834", {}, "--node-ca"},
            {"http://10.0.0.5:19834", {"10.0.0.5"}, "--node-ca"},
        });
}

TEST(NodeAddressPolicy, WhatANameResolvesToIsCheckedToo) {
  const auto policy = *NodeAddressPolicy::Parse({"127.0.0.2"}, false);
  for (const char* address : {"10.0.0.5", "192.168.1.1", "fd00::1", "8.8.8.8", "127.0.0.2"}) {
    EXPECT_TRUE(policy.CheckAddress("mac-1", address)) << address;
  }
  for (const char* address : {"127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::127.0.0.1",
                              "255.255.255.255", "ff02::1", "no address"}) {
    EXPECT_FALSE(policy.CheckAddress("mac-1", address)) << address;
  }
}

TEST(NodeAddressPolicy, ErrorsNameTheEntry) {
  for (const char* text : {"", "10.1.0.0/33", "10.1.0.0/", "mac-1", "10.1/16", "::1/129", "/8"}) {
    const auto policy = NodeAddressPolicy::Parse({text}, false);
    ASSERT_FALSE(policy) << text;
    EXPECT_THAT(policy.error().message(), HasSubstr("'" + std::string(text) + "'"));
  }
}

}  // namespace
}  // namespace headroom::sources
