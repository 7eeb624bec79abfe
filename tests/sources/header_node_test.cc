// What is asked again only when it changed, and what nodes are asked for.
#include "tests/sources/header_fixture.h"

namespace headroom::sources {
namespace {

TEST_F(HeaderTest, AKnownRevisionIsAskedForOnlyIfItChanged) {
  const GgufWriter writer = headroom::testing::TinyModel();
  std::string current = "\"v1\"";
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target == "/moved.gguf") {
      return net::HttpResponse{302, {{"Location", "/m.gguf"}}, ""};
    }
    if (request.headers.Find("If-None-Match") == current) {
      return net::HttpResponse{304, {{"ETag", current}}, ""};
    }
    const std::string header = writer.Header();
    const std::string range =
        "bytes 0-" + std::to_string(header.size() - 1) + "/" + std::to_string(writer.FileBytes());
    return net::HttpResponse{206, {{"ETag", current}, {"Content-Range", range}}, header};
  };
  for (const char* path : {"/m.gguf", "/moved.gguf"}) {
    current = "\"v1\"";
    const auto first = Read(Base() + path);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(first->revision, current);
    const auto again = Read(Base() + path, {}, "", first->revision);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->unchanged);
    current = "\"v2\"";
    const auto changed = Read(Base() + path, {}, "", first->revision);
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_FALSE(changed->unchanged);
    EXPECT_EQ(changed->revision, current);
  }
  // A 304 that nobody asked for is no file.
  answer_ = [](const net::HttpRequest&) { return net::HttpResponse{304, {}, ""}; };
  EXPECT_THAT(ErrorOf(Base() + "/m.gguf"), HasSubstr("no part of a file"));
}

TEST_F(HeaderTest, ANodesStoreIsAskedForWhatItFetched) {
  test::RunCoro(context_, server_->Stop(0ms));
  test::RunCoro(context_, group_.Join());
  Listen(nullptr);
  const GgufWriter writer = headroom::testing::TinyModel();
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target != "/v1/header?source=hf%3A%2F%2Fo%2Fr%2Fa.gguf&part=1") {
      return net::HttpResponse{404, {}, ""};
    }
    if (request.headers.Find("If-None-Match") == "\"r\"") return net::HttpResponse{304, {}, ""};
    net::HttpResponse response{200, {{"ETag", "\"r\""}}, writer.Header()};
    response.headers.Set("X-Headroom-File-Bytes", std::to_string(writer.FileBytes()));
    return response;
  };
  net::HttpClient client(context_.get_executor());
  const auto policy = *NodeAddressPolicy::Parse({"127.0.0.1"}, false);
  const auto read = [&](const std::string& source, const std::string& known) {
    NodeEndpoint node{"127.0.0.1:" + std::to_string(server_->port()), {}};
    return test::RunCoro(context_,
                         ReadNodeHeader(client, policy, std::move(node), *ParseSource(source), "t",
                                        net::After(3s), known));
  };
  const auto header = read("hf://o/r/a.gguf", "");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  EXPECT_TRUE(read("hf://o/r/a.gguf", header->revision)->unchanged);
  EXPECT_EQ(read("hf://o/r/b.gguf", "").error().code(), Code::kNotFound);
}

TEST_F(HeaderTest, ANodesExporterIsAskedWithItsToken) {
  test::RunCoro(context_, server_->Stop(0ms));
  test::RunCoro(context_, group_.Join());
  Listen(nullptr);
  const GgufWriter writer = headroom::testing::TinyModel();
  answer_ = [&](const net::HttpRequest& request) {
    if (request.headers.Find("Authorization") != "Bearer t") return net::HttpResponse{401, {}, ""};
    if (request.target != "/v1/header?path=%2Fmodels%2Fa%20b.gguf") {
      return net::HttpResponse{404, {}, ""};
    }
    net::HttpResponse response{200, {{"ETag", "\"r\""}}, writer.Header()};
    response.headers.Set("X-Headroom-File-Bytes", std::to_string(writer.FileBytes()));
    return response;
  };
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  net::HttpClient client(context_.get_executor());
  auto policy = *NodeAddressPolicy::Parse({"127.0.0.1"}, false);
  const auto read = [&](const std::string& path, const std::string& token) {
    NodeEndpoint node{address, {}};
    return test::RunCoro(context_, ReadNodeHeader(client, policy, std::move(node),
                                                  *ParseSource(path), token, net::After(3s)));
  };
  const auto header = read("/models/a b.gguf", "t");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  EXPECT_EQ(header->revision, "\"r\"");
  EXPECT_THAT(read("/models/absent.gguf", "t").error().message(), HasSubstr("does not exist"));
  EXPECT_THAT(read("/models/a b.gguf", "x").error().message(), HasSubstr("--node-token-file"));
  const auto answer = std::exchange(answer_, [](const net::HttpRequest&) {
    return net::HttpResponse{501, {}, ""};
  });
  EXPECT_THAT(read("/models/a b.gguf", "t").error().message(), HasSubstr("shows no headers"));
  answer_ = answer;
  int asked = 0;
  answer_ = [&](const net::HttpRequest& request) {
    ++asked;
    EXPECT_TRUE(request.target.starts_with("/v1/header")) << "followed a redirect";
    return net::HttpResponse{302, {{"Location", "http://" + address + "/elsewhere"}}, ""};
  };
  EXPECT_THAT(read("/models/a b.gguf", "t").error().message(), HasSubstr("cannot answer"));
  EXPECT_EQ(asked, 1);
  policy = *NodeAddressPolicy::Parse({}, false);
  EXPECT_THAT(read("/models/a b.gguf", "t").error().message(), HasSubstr("status.addresses"));
  EXPECT_EQ(asked, 1) << "the token went to an address that is not the node's";
}

// One part as a reader gives it; `claimed` stands for a file of another size.

}  // namespace
}  // namespace headroom::sources
