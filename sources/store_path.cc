#include "sources/store_path.h"

#include <algorithm>
#include <string_view>

#include "sources/sha256.h"

namespace headroom::sources {
namespace {

// Together far below macOS's PATH_MAX of 1024, with room for the store folder and ".partial".
constexpr size_t kMaxSegments = 6;
constexpr size_t kSegmentBytes = 64;
constexpr size_t kNameBytes = 160;
constexpr size_t kDigestDigits = 16;

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// One path component that every file system takes and that is never "." or "..".
std::string Component(std::string_view text, size_t limit) {
  // The end of a name is what tells parts of a split apart.
  if (text.size() > limit) text.remove_prefix(text.size() - limit);
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return !IsPlain(c); }, '_');
  if (out.empty() || out.front() == '.') out.insert(0, "_");
  return out;
}

std::string_view PathOf(const net::Url& url) {
  return std::string_view(url.target).substr(0, url.target.find('?'));
}

std::string FileName(const net::Url& url) {
  const std::string_view path = PathOf(url);
  return Component(path.substr(path.rfind('/') + 1), kNameBytes);
}

std::string Folder(const net::Url& url) {
  std::string out = Component(url.HostHeader(), kSegmentBytes);
  std::string_view rest = PathOf(url);
  rest = rest.substr(0, rest.rfind('/') == std::string_view::npos ? 0 : rest.rfind('/'));
  for (size_t count = 0; !rest.empty() && count < kMaxSegments; ++count) {
    if (rest.front() == '/') rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    out += "/" + Component(rest.substr(0, end), kSegmentBytes);
    rest.remove_prefix(end);
  }
  return out + "/" + Sha256Hex(url.ToString()).substr(0, kDigestDigits);
}

}  // namespace

std::vector<StoreFile> StoreFiles(const std::string& store, const Source& source) {
  std::vector<StoreFile> files;
  if (source.where != Source::Where::kHttps) return files;
  const std::string folder = store + "/" + Folder(source.url) + "/";
  for (Source& part : SplitParts(source)) {
    std::string path = folder + FileName(part.url);
    files.push_back({std::move(part), std::move(path)});
  }
  return files;
}

}  // namespace headroom::sources
