#include "sources/store_path.h"

#include <gtest/gtest.h>

#include <set>

#include "sources/sha256.h"

namespace headroom::sources {
namespace {

std::string PathOf(const std::string& source) {
  return StoreFiles("/store", *ParseSource(source)).at(0).path;
}

TEST(StorePath, IsReadable) {
  const std::string path = PathOf("hf://org/repo/sub/model.gguf@v1");
  const std::string front = "/store/huggingface.co/org/repo/resolve/v1/sub/";
  EXPECT_EQ(path.substr(0, front.size()), front);
  EXPECT_EQ(path.substr(front.size() + 16), "/model.gguf");
  EXPECT_EQ(path, PathOf("hf://org/repo/sub/model.gguf@v1"));
}

TEST(StorePath, KeepsSourcesApart) {
  const char* sources[] = {
      "https://h/a/m.gguf",
      "https://h/a/m.gguf?x=1",
      "https://h/a/M.gguf",
      "https://h:444/a/m.gguf",
      "https://h/a//m.gguf",
      "https://h/a%2Fm.gguf",
      "https://h/a_m.gguf",
      "https://h/a*m.gguf",
      "https://h/../m.gguf",
      "https://h/.hidden",
      "https://h/",
      "https://h/1/2/3/4/5/6/7/m.gguf",
      "https://h/1/2/3/4/5/6/8/m.gguf",
  };
  std::set<std::string> paths;
  for (const char* source : sources) {
    const std::string path = PathOf(source);
    EXPECT_TRUE(paths.insert(path).second) << source << " " << path;
    EXPECT_EQ(path.find("/../"), std::string::npos) << path;
    EXPECT_EQ(path.find("//"), std::string::npos) << path;
    EXPECT_EQ(path.find("/."), std::string::npos) << path;
  }
}

TEST(StorePath, StaysShort) {
  std::string source = "https://" + std::string(200, 'h') + ".example";
  for (int i = 0; i < 20; ++i) source += "/" + std::string(180, static_cast<char>('a' + i));
  const std::string path = PathOf(source);
  EXPECT_LT(path.size(), 800u);
}

TEST(StorePath, PartsShareAFolderUnderTheirNames) {
  const auto files = StoreFiles("/store", *ParseSource("hf://o/r/m x-00001-of-00003.gguf"));
  ASSERT_EQ(files.size(), 3u);
  const std::string folder = files[0].path.substr(0, files[0].path.rfind('/') + 1);
  EXPECT_EQ(files[0].path, folder + "m_20x-00001-of-00003.gguf");
  EXPECT_EQ(files[2].path, folder + "m_20x-00003-of-00003.gguf");
  EXPECT_TRUE(StoreFiles("/store", *ParseSource("/models/m.gguf")).empty());
}

TEST(Sha256, AgreesWithTheStandard) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace headroom::sources
