#include "sources/source.h"

#include <algorithm>

#include "estimator/gguf/reader.h"

namespace headroom::sources {
namespace {

constexpr size_t kMaxText = 4096;    // PATH_MAX; longer sources are a mistake or an attack
constexpr uint32_t kMaxParts = 512;  // published splits have at most some dozen parts
constexpr std::string_view kHub = "huggingface.co";

Error Bad(std::string_view text, std::string_view what) {
  return Error(Code::kInvalid, "spec.source: " + std::string(text) + ": " + std::string(what));
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

// Lexical: "/a//b/./c/../d" -> "/a/b/d"; nullopt-like "" when ".." climbs above the root.
std::string NormalisePath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (kept.empty()) {
      return "";
    } else {
      kept.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : kept) out.append("/").append(part);
  return out;
}

Result<Source> ParseNodeFile(std::string_view text, std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return Bad(text, "expected an absolute path, as in file:///models/model.gguf");
  }
  Source source;
  source.where = Source::Where::kNodeFile;
  source.text = text;
  source.path = NormalisePath(path);
  if (source.path.empty() || path.back() == '/') {
    return Bad(text, "expected the path of a file, as in file:///models/model.gguf");
  }
  return source;
}

Result<Source> ParseHttps(std::string_view text) {
  auto url = net::ParseUrl(text);
  if (!url) return Bad(text, "expected https://HOST/PATH, as in https://host/model.gguf");
  Source source;
  source.where = Source::Where::kHttps;
  source.text = text;
  source.url = *url;
  return source;
}

struct HubFile {
  std::string owner, repo, file, revision;  // revision "" = main
};

Result<HubFile> ParseHub(std::string_view text) {
  std::string_view rest = text.substr(std::string_view("hf://").size());
  HubFile hub;
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    hub.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (hub.revision.empty()) return Bad(text, "expected a revision after '@'");
  }
  const auto parts = Split(rest, '/');
  const bool bad_part = std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
  if (parts.size() < 3 || bad_part) {
    return Bad(text, "expected hf://OWNER/REPO/FILE.gguf[@REVISION]");
  }
  hub.owner = parts[0];
  hub.repo = parts[1];
  hub.file = rest.substr(parts[0].size() + parts[1].size() + 2);
  return hub;
}

// Each segment is encoded by itself: a '?' or '#' in a file name must not become a query.
std::string EncodePath(std::string_view path) {
  std::string out;
  for (const std::string_view part : Split(path, '/')) out += "/" + net::PercentEncode(part);
  return out;
}

Result<Source> ParseHubSource(std::string_view text) {
  const auto hub = ParseHub(text);
  if (!hub) return hub.error();
  Source source;
  source.where = Source::Where::kHttps;
  source.text = text;
  source.url.scheme = "https";
  source.url.host = kHub;
  source.url.port = 443;
  const std::string revision = hub->revision.empty() ? "main" : hub->revision;
  source.url.target = EncodePath(hub->owner + "/" + hub->repo) + "/resolve/" +
                      net::PercentEncode(revision) + EncodePath(hub->file);
  return source;
}

std::string Printable(std::string_view text) {
  std::string out(text.substr(0, 160));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

}  // namespace

Result<Source> ParseSource(std::string_view text) {
  if (text.empty()) {
    return Error(Code::kInvalid,
                 "spec.source: is empty; expected https://, hf://, file:// or a path");
  }
  if (text.size() > kMaxText) return Error(Code::kInvalid, "spec.source: longer than 4096 bytes");
  if (std::any_of(text.begin(), text.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return Error(Code::kInvalid, "spec.source: contains a control character");
  }
  if (text.front() == '/') return ParseNodeFile(text, text);
  if (text.starts_with("file://")) return ParseNodeFile(text, text.substr(7));
  if (text.starts_with("https://")) return ParseHttps(text);
  if (text.starts_with("hf://")) return ParseHubSource(text);
  if (text.starts_with("http://")) return Bad(text, "http:// is not read; use https://");
  Source source;
  source.text = text;
  return source;
}

Result<Source> ParseBeside(std::string_view text, const Source& model) {
  auto parsed = ParseSource(text);
  if (!parsed || parsed->where != Source::Where::kOther) return parsed;
  if (text.find("://") != std::string_view::npos) return parsed;
  // A revision is not part of the folder.
  std::string_view folder = model.text, revision;
  if (const size_t at = folder.rfind('@');
      folder.starts_with("hf://") && at != std::string_view::npos) {
    revision = folder.substr(at);
    folder = folder.substr(0, at);
  }
  const size_t slash = folder.rfind('/');
  if (slash == std::string_view::npos) return parsed;
  return ParseSource(std::string(folder.substr(0, slash + 1)) + std::string(text) +
                     std::string(revision));
}

std::string Describe(const Source& source) {
  if (source.where == Source::Where::kNodeFile) return Printable("file " + source.path);
  if (source.text.starts_with("hf://")) {
    if (const auto hub = ParseHub(source.text)) {
      const std::string at = hub->revision.empty() ? "" : " @ " + hub->revision.substr(0, 12);
      return Printable("hf " + hub->owner + "/" + hub->repo + " " + hub->file + at);
    }
  }
  if (source.where == Source::Where::kHttps) {
    // A query may carry a signature or token: it is nobody's business in a message.
    const std::string path = source.url.target.substr(0, source.url.target.find('?'));
    return Printable("https " + source.url.host + path);
  }
  return Printable(source.text);
}

std::vector<Source> SplitParts(const Source& first) {
  const bool remote = first.where == Source::Where::kHttps;
  const std::string whole = remote ? first.url.target : first.path;
  const size_t query = remote ? std::min(whole.find('?'), whole.size()) : whole.size();
  const size_t slash = whole.rfind('/', query);
  if (first.where == Source::Where::kOther || slash == std::string::npos) return {first};
  const auto split = estimator::ParseSplitName(whole.substr(slash + 1, query - slash - 1));
  if (!split || split->index != 1 || split->count > kMaxParts) return {first};
  std::vector<Source> parts;
  for (uint32_t i = 1; i <= split->count; ++i) {
    Source part = first;
    const std::string target = whole.substr(0, slash + 1) + split->Part(i) + whole.substr(query);
    (remote ? part.url.target : part.path) = target;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace headroom::sources
