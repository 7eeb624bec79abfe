#include "tests/sources/header_fixture.h"

namespace headroom::sources {
namespace {

TEST_F(HeaderTest, OneRangeIsEnoughAndNothingElseIsRead) {
  const std::string file = FileOf(WordyModel());
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, file); };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(header->model.file_bytes, file.size());
  EXPECT_EQ(header->revision, "\"v1\"");
  EXPECT_GT(header->bytes_read, 500'000u);
  EXPECT_EQ(requests_[0].headers.Find("Accept-Encoding"), "identity");
}

TEST_F(HeaderTest, ShortRangesAreJoined) {
  const std::string file = FileOf(WordyModel());
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, file, 100'000); };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_GE(requests_.size(), 6u);
  EXPECT_LT(requests_.size(), 10u);
}

TEST_F(HeaderTest, PartsOfASplitAreReadSideBySideByShortRanges) {
  std::map<std::string, std::string> files;
  for (int i = 1; i <= 3; ++i) {
    GgufWriter writer;
    if (i == 1) writer = headroom::testing::TinyModel();
    writer.Add("split.count", uint32_t{3});
    if (i > 1) writer.AddTensor("blk." + std::to_string(i) + ".x.weight", {32}, 0);
    files["/m-0000" + std::to_string(i) + "-of-00003.gguf"] = FileOf(writer);
  }
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, files[request.target]); };
  const auto header = Read(Base() + "/m-00001-of-00003.gguf");
  ASSERT_TRUE(header) << header.error().message();
  ASSERT_EQ(requests_.size(), 3u);
  uint64_t total = 0;
  for (const auto& [name, file] : files) total += file.size();
  EXPECT_EQ(header->model.file_bytes, total);
  for (const net::HttpRequest& request : requests_) {
    const bool first = request.target == "/m-00001-of-00003.gguf";
    EXPECT_EQ(*request.headers.Find("Range"), first ? "bytes=0-16777215" : "bytes=0-262143");
  }
}

TEST_F(HeaderTest, AMissingPartIsTheErrorOfTheSplit) {
  answer_ = [&](const net::HttpRequest& request) {
    GgufWriter writer = headroom::testing::TinyModel();
    writer.Add("split.count", uint32_t{3});
    if (request.target == "/m-00002-of-00003.gguf") return net::HttpResponse{404, {}, ""};
    return Ranged(request, FileOf(writer));
  };
  const auto header = Read(Base() + "/m-00001-of-00003.gguf");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code(), Code::kNotFound) << header.error().message();
}

TEST_F(HeaderTest, AWholeFileInsteadOfARangeIsFine) {
  const std::string file = FileOf(headroom::testing::TinyModel());
  answer_ = [&](const net::HttpRequest&) { return net::HttpResponse{200, {}, file}; };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, file.size());
}

TEST_F(HeaderTest, RedirectsAreFollowedThroughThePolicyWithoutCredentials) {
  const std::string file = FileOf(headroom::testing::TinyModel());
  const std::string cdn = "https://localhost:" + std::to_string(server_->port());
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target == "/m.gguf")
      return net::HttpResponse{302, {{"Location", cdn + "/b?sig=1"}}, ""};
    return Ranged(request, file);
  };
  const auto header =
      Read(Base() + "/m.gguf",
           {"localhost:" + std::to_string(server_->port()), "127.0.0.0/8", "::1/128"}, "hub-token");
  ASSERT_TRUE(header) << header.error().message();
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[0].headers.Find("Authorization"), "Bearer hub-token");
  EXPECT_FALSE(requests_[1].headers.Find("Authorization"));
  EXPECT_EQ(requests_[1].target, "/b?sig=1");
}

TEST_F(HeaderTest, ARedirectToAForeignHostIsRefusedUnasked) {
  for (const char* location :
       {"https://evil.example/x", "http://huggingface.co/x", "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/x", "file:///etc/passwd", ""}) {
    answer_ = [&](const net::HttpRequest&) {
      return net::HttpResponse{302, {{"Location", location}}, "secret"};
    };
    requests_.clear();
    const std::string error = ErrorOf(Base() + "/m.gguf");
    EXPECT_THAT(error, HasSubstr("redirect")) << location;
    EXPECT_EQ(requests_.size(), 1u) << location;
  }
}

TEST_F(HeaderTest, ARedirectLoopEnds) {
  answer_ = [](const net::HttpRequest&) {
    return net::HttpResponse{302, {{"Location", "/again"}}, ""};
  };
  EXPECT_THAT(ErrorOf(Base() + "/m.gguf"), HasSubstr("too often"));
  EXPECT_EQ(requests_.size(), 6u);
}

TEST_F(HeaderTest, APrivateAddressBehindAnAllowedNameIsNeverDialled) {
  const std::string url = "https://localhost:" + std::to_string(server_->port()) + "/m.gguf";
  // 127.0.0.1 alone is admitted by entry; here nothing is.
  net::HttpClientOptions options;
  policy_ = *AddressPolicy::Parse({"localhost:" + std::to_string(server_->port())});
  options.address_guard = [this](std::string_view host, std::string_view address) {
    return policy_.CheckAddress(host, address);
  };
  net::HttpClient client(context_.get_executor(), std::move(options));
  const auto header = test::RunCoro(
      context_, ReadRemoteHeader(client, policy_, *ParseSource(url), "", net::After(3s)), 5s);
  ASSERT_FALSE(header);
  EXPECT_THAT(header.error().message(), HasSubstr("not public"));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HeaderTest, BadAnswersAreOurOwnWords) {
  const std::string file = FileOf(WordyModel());
  const auto ranged = [&](auto change) {
    return [&file, change](const net::HttpRequest& request) {
      net::HttpResponse response = Ranged(request, file, 100'000);
      change(response, request);
      return response;
    };
  };
  using Response = net::HttpResponse;
  using Request = net::HttpRequest;
  const std::pair<std::function<net::HttpResponse(const Request&)>, const char*> cases[] = {
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Range", "bytes 7-9/10"); }),
       "another range"},
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Range", "nonsense"); }),
       "malformed"},
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Encoding", "gzip"); }),
       "encoded"},
      {ranged([](Response& r, const Request&) { r.body.resize(50'000); }), "early"},
      {ranged([](Response& r, const Request& q) {
         if (q.headers.Find("Range") != "bytes=0-16777215") r.headers.Set("ETag", "\"v2\"");
       }),
       "changed while"},
      {ranged([](Response& r, const Request& q) {
         if (q.headers.Find("Range") != "bytes=0-16777215") r.status = 200;
       }),
       "stopped answering ranges"},
      {[](const Request&) {
         return Response{404, {}, "secret"};
       },
       "no such file"},
      {[](const Request&) {
         return Response{401, {}, "secret"};
       },
       "refuses access"},
      {[](const Request&) {
         return Response{429, {}, "secret"};
       },
       "limits requests"},
      {[](const Request&) {
         return Response{500, {}, "secret"};
       },
       "cannot answer"},
      {[](const Request&) {
         return Response{200, {}, "<html>secret</html>"};
       },
       ""},
      {[](const Request&) {
         return Response{200, {}, ""};
       },
       ""},
      {[&](const Request&) {
         return Response{200, {}, file.substr(0, 1000)};
       },
       ""},
  };
  for (const auto& [answer, part] : cases) {
    answer_ = answer;
    const std::string error = ErrorOf(Base() + "/m.gguf");
    EXPECT_THAT(error, HasSubstr(part));
    EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  }
}

HeaderPart PartOf(const GgufWriter& writer, std::optional<uint64_t> claimed = std::nullopt) {
  HeaderFeed feed(writer.FileBytes());
  EXPECT_TRUE(feed.Add(writer.Header()));
  auto header = feed.Finish();
  EXPECT_TRUE(header);
  return {std::move(header.value()), claimed.value_or(writer.FileBytes()), 1, "r"};
}

TEST(AssembleModel, RefusesMissingPartsAndAbsurdSizes) {
  GgufWriter split = headroom::testing::TinyModel();
  split.Add("split.count", uint32_t{2});
  std::vector<HeaderPart> parts;
  ASSERT_TRUE(AddPart(parts, PartOf(split)));
  EXPECT_THAT(AssembleModel(parts).error().message(), HasSubstr("one of 2 parts, found 1"));
  ASSERT_TRUE(AddPart(parts, PartOf(split)));
  EXPECT_TRUE(parts[1].header.metadata.empty());
  EXPECT_TRUE(AssembleModel(parts));
  std::vector<HeaderPart> huge;
  ASSERT_TRUE(AddPart(huge, PartOf(headroom::testing::TinyModel(), (uint64_t{1} << 50) + 1)));
  EXPECT_THAT(AssembleModel(huge).error().message(), HasSubstr("out of range"));
  HeaderPart wide = PartOf(split);
  wide.header.header_bytes = kMaxHeaderBytes;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(AddPart(parts, wide));
  ASSERT_TRUE(AddPart(parts, wide));
  EXPECT_THAT(AddPart(parts, wide).error().message(), HasSubstr("headers of its parts exceed"));
}

TEST_F(HeaderTest, FilesGiveTheSameModelAndTheirRawHeader) {
  const GgufWriter writer = headroom::testing::TinyModel();
  const std::string path = folder_ + "/tiny.gguf";
  ASSERT_TRUE(writer.WriteTo(path));
  const auto header = ReadLocalHeader(path);
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  const auto raw = ReadRawHeader(path);
  ASSERT_TRUE(raw) << raw.error().message();
  EXPECT_EQ(raw->file_bytes, writer.FileBytes());
  EXPECT_EQ(raw->bytes, writer.Header().substr(0, raw->bytes.size()));
  std::filesystem::resize_file(path, writer.FileBytes() - 64);
  EXPECT_THAT(ReadLocalHeader(path).error().message(), HasSubstr(path));
  std::filesystem::resize_file(path, 100);
  EXPECT_THAT(ReadRawHeader(path).error().message(), HasSubstr(path));
  EXPECT_FALSE(ReadRawHeader(folder_));
  EXPECT_EQ(ReadRawHeader(folder_ + "/absent").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace headroom::sources
