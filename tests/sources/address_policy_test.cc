#include "sources/address_policy.h"

#include <gtest/gtest.h>

namespace headroom::sources {
namespace {

// First and last address of every special range, and the neighbours just outside.
TEST(IsPublicAddress, RefusesEverySpecialRange) {
  const char* refused[] = {
      "0.0.0.0",
      "0.255.255.255",
      "10.0.0.0",
      "10.255.255.255",
      "100.64.0.0",
      "100.127.255.255",
      "127.0.0.0",
      "127.0.0.1",
      "127.255.255.255",
      "169.254.0.0",
      "169.254.169.254",
      "169.254.255.255",
      "172.16.0.0",
      "172.31.255.255",
      "192.0.0.0",
      "192.0.0.255",
      "192.0.2.0",
      "192.0.2.255",
      "192.88.99.0",
      "192.88.99.255",
      "192.168.0.0",
      "192.168.255.255",
      "198.18.0.0",
      "198.19.255.255",
      "198.51.100.0",
      "198.51.100.255",
      "203.0.113.0",
      "203.0.113.255",
      "224.0.0.0",
      "239.255.255.255",
      "240.0.0.0",
      "255.255.255.255",
      // IPv6
      "::",
      "::1",
      "fe80::1",
      "febf::1",
      "fec0::1",
      "fc00::",
      "fdff::1",
      "ff00::",
      "ff02::1",
      "2001::",
      "2001:0:4136:e378:8000:63bf:3fff:fdd2",
      "2001:2::1",
      "2001:10::1",
      "2001:1ff::1",
      "2001:db8::",
      "2001:db8:ffff::1",
      "2002::",
      "2002:7f00:1::",
      "2002:808:808::1",
      "3fff::1",
      "3fff:fff::1",
      "100::1",
      "5f00::1",
      "4000::1",
      "64:ff9b::1",
      "64:ff9b::808:808",
      "64:ff9b:1::1",
      "64:ff9b:1:ffff::1",
      // IPv4 hidden in IPv6, whatever the address
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:8.8.8.8",
      "::ffff:0:8.8.8.8",
      "::127.0.0.1",
      "::8.8.8.8",
      "64:ff9b::127.0.0.1",
  };
  for (const char* address : refused) EXPECT_FALSE(IsPublicAddress(address)) << address;
}

TEST(IsPublicAddress, AdmitsTheNeighbours) {
  const char* admitted[] = {
      "1.0.0.0",          "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
      "100.128.0.0",      "126.255.255.255", "128.0.0.0",      "169.253.255.255",
      "169.255.0.0",      "172.15.255.255",  "172.32.0.0",     "191.255.255.255",
      "192.0.1.0",        "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
      "192.167.255.255",  "192.169.0.0",     "198.17.255.255", "198.20.0.0",
      "198.51.99.255",    "198.51.101.0",    "203.0.112.255",  "203.0.114.0",
      "223.255.255.255",  "8.8.8.8",         "2000::1",        "2001:200::1",
      "2001:db7:ffff::1", "2001:db9::1",     "2003::1",        "2606:4700::1111",
      "3ffe:ffff::1",     "3fff:1000::1",
  };
  for (const char* address : admitted) EXPECT_TRUE(IsPublicAddress(address)) << address;
}

TEST(ParseAddress, RefusesEveryLooseForm) {
  const std::string refused[] = {
      "",
      "1",
      "2130706433",
      "127.1",
      "127.0.1",
      "0177.0.0.1",
      "127.0.0.01",
      "0x7f.0.0.1",
      "0x7f000001",
      "127.0.0.1.",
      ".127.0.0.1",
      "127..0.1",
      "256.0.0.1",
      "1.2.3.4.5",
      " 127.0.0.1",
      "127.0.0.1 ",
      "+1.2.3.4",
      "1.2.3.-4",
      "[::1]",
      "fe80::1%lo",
      ":::1",
      "1:2:3:4:5:6:7:8:9",
      "::ffff:0177.0.0.1",
      "::ffff:127.1",
      "localhost",
      std::string("127.0.0.1\0", 10),
      std::string("::1\0x", 5),
      std::string(100, ':'),
      "12345::",
      "\xd9\xa1.2.3.4",
  };
  for (const std::string& text : refused) {
    EXPECT_FALSE(ParseAddress(text)) << text;
    EXPECT_FALSE(IsPublicAddress(text)) << text;
  }
  EXPECT_EQ(ParseAddress("127.0.0.1"), ParseAddress("::ffff:7f00:1"));
}

net::Url MakeUrl(const std::string& text) {
  const auto url = net::ParseUrl(text);
  EXPECT_TRUE(url) << text;
  return url ? *url : net::Url{};
}

AddressPolicy MakePolicy(std::vector<std::string> entries) {
  auto policy = AddressPolicy::Parse(entries);
  EXPECT_TRUE(policy) << policy.error().message();
  return *policy;
}

TEST(AddressPolicy, DefaultsAreTheHubAndItsCdn) {
  const AddressPolicy policy = MakePolicy(AddressPolicy::DefaultEntries());
  for (const char* good :
       {"https://huggingface.co/a", "https://HuggingFace.co/a", "https://cdn-lfs.huggingface.co/a",
        "https://cas-bridge.xethub.hf.co/a"}) {
    EXPECT_TRUE(policy.CheckUrl(MakeUrl(good))) << good;
  }
  for (const char* bad :
       {"http://huggingface.co/a", "https://huggingface.co:8443/a", "https://evilhuggingface.co/a",
        "https://huggingface.co.evil.example/a", "https://hf.co.evil/a", "https://example.com/a",
        "https://127.0.0.1/a", "https://[::1]/a", "https://8.8.8.8/a", "https://2130706433/a",
        "https://0x7f.1/a", "https://127.1/a"}) {
    const auto url = net::ParseUrl(bad);
    if (!url) continue;  // refused even earlier
    EXPECT_FALSE(policy.CheckUrl(*url)) << bad;
  }
}

TEST(AddressPolicy, EntriesAdmitHostsPortsAddressesAndRanges) {
  const AddressPolicy policy = MakePolicy({"models.example:8443", "*.lab.example", "10.1.0.0/16",
                                           "192.168.1.5:9000", "[fd00::5]:444", "fd01::/16"});
  for (const char* good :
       {"https://models.example:8443/a", "https://a.b.lab.example/a", "https://10.1.2.3/a",
        "https://192.168.1.5:9000/a", "https://[fd00::5]:444/a", "https://[fd01::9]/a"}) {
    EXPECT_TRUE(policy.CheckUrl(MakeUrl(good))) << good;
  }
  for (const char* bad :
       {"https://models.example/a", "https://lab.example/a", "https://10.2.0.1/a",
        "https://10.1.2.3:8443/a", "https://192.168.1.6:9000/a", "https://[fd02::1]/a"}) {
    EXPECT_FALSE(policy.CheckUrl(MakeUrl(bad))) << bad;
  }
  EXPECT_TRUE(policy.CheckAddress("models.example", "8.8.8.8"));
  EXPECT_TRUE(policy.CheckAddress("models.example", "10.1.255.255"));
  EXPECT_TRUE(policy.CheckAddress("models.example", "::ffff:10.1.0.1"));
  EXPECT_FALSE(policy.CheckAddress("models.example", "10.2.0.0"));
  EXPECT_FALSE(policy.CheckAddress("models.example", "64:ff9b::10.1.0.1"));
  EXPECT_FALSE(policy.CheckAddress("models.example", "not an address"));
}

TEST(AddressPolicy, NeverTellsAResolvedAddress) {
  const auto refused = MakePolicy({"models.example"}).CheckAddress("models.example", "10.77.66.55");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message().find("10.77"), std::string::npos);
}

TEST(AddressPolicy, NamesTheBadEntry) {
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "host:0", "host:99999",
                          "host:x", "*.", "*", "0x7f.1", "2130706433", "a b", "[::1", "::1/x"}) {
    const auto policy = AddressPolicy::Parse({"good.example", bad});
    ASSERT_FALSE(policy) << bad;
    EXPECT_NE(policy.error().message().find("'" + std::string(bad) + "'"), std::string::npos)
        << policy.error().message();
  }
}

}  // namespace
}  // namespace headroom::sources
