// Objects without an API server: a folder of manifests, a list of Nodes from a file or URL.
#include <dirent.h>
#include <sys/stat.h>

#include <boost/asio/awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <map>

#include "common/files.h"
#include "common/log.h"
#include "kube/feed_health.h"
#include "kube/manifest.h"
#include "kube/object_feed.h"

namespace headroom::kube {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr size_t kMaxManifest = 4 << 20;
constexpr size_t kMaxNodeList = 64 << 20;  // 5,000 Nodes with 10 KiB each
constexpr auto kFetchTimeout = 10s;

void Deliver(std::vector<ObjectEvent> events, const ObjectSink& sink, FeedStatus& status) {
  for (ObjectEvent& event : events) {
    ++status.events;
    sink(std::move(event));
  }
  if (status.synced) return;
  status.synced = true;
  sink({ObjectEvent::Type::kSynced, Json()});
}

// What tells two states of a file apart; the inode changes with every atomic replacement.
struct Signature {
  ino_t inode = 0;
  off_t size = 0;
  int64_t seconds = 0, nanoseconds = 0;
  friend bool operator==(const Signature&, const Signature&) = default;
};

std::optional<Signature> SignatureOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
#ifdef __APPLE__
  const timespec& time = info.st_mtimespec;
#else
  const timespec& time = info.st_mtim;
#endif
  return Signature{info.st_ino, info.st_size, time.tv_sec, time.tv_nsec};
}

bool IsManifestName(std::string_view name) {
  if (name.empty() || name[0] == '.') return false;
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

Result<std::map<std::string, Signature>> ReadFolder(const std::string& folder) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) {
    return Error(Code::kIo, folder + ": " + std::strerror(errno) +
                                ": create the folder or fix "
                                "--manifests");
  }
  std::map<std::string, Signature> files;
  while (const dirent* entry = readdir(dir)) {
    if (!IsManifestName(entry->d_name)) continue;
    const std::string path = folder + "/" + entry->d_name;
    if (const auto signature = SignatureOf(path)) files[path] = *signature;
  }
  closedir(dir);
  return files;
}

// The files of a folder with their last good objects.
class ManifestFolder {
 public:
  explicit ManifestFolder(std::string folder) : folder_(std::move(folder)) {}

  // Reads what changed. True when the objects may be others than before.
  Result<bool> Poll() {
    auto found = ReadFolder(folder_);
    if (!found) return found.error();
    bool changed = std::erase_if(files_, [&found](const auto& file) {
                     return found->count(file.first) == 0;
                   }) > 0;
    for (const auto& [path, signature] : *found) {
      auto [it, added] = files_.try_emplace(path);
      if (!added && it->second.signature == signature) continue;
      it->second.signature = signature;
      changed = Read(path, it->second.objects) || changed;
    }
    return changed;
  }
  std::vector<Json> Objects() const {
    std::vector<Json> out;
    for (const auto& [path, file] : files_) {
      out.insert(out.end(), file.objects.begin(), file.objects.end());
    }
    return out;
  }

 private:
  struct File {
    Signature signature;
    std::vector<Json> objects;
  };

  static bool Read(const std::string& path, std::vector<Json>& objects) {
    const auto text = ReadFile(path, kMaxManifest);
    auto parsed = text ? ParseManifests(*text, path) : Result<std::vector<Json>>(text.error());
    if (!parsed) {
      LogError("manifest is not usable, its last good objects stay", {{"error", parsed.error()}});
      return false;
    }
    objects = std::move(*parsed);
    return true;
  }

  std::string folder_;
  std::map<std::string, File> files_;
};

Result<std::vector<Json>> NodesOf(std::string_view text, std::string_view origin) {
  auto objects = ParseManifests(text, origin);
  if (!objects) return objects.error();
  for (const Json& object : *objects) {
    const std::string kind = StringOr(object, {"kind"});
    if (kind == "Node") continue;
    return Error(Code::kInvalid,
                 std::string(origin) + ": expected Node objects (--nodes), found kind " + kind);
  }
  return objects;
}

asio::awaitable<Result<std::vector<Json>>> FetchNodes(net::HttpClient& client, std::string text) {
  const auto url = net::ParseUrl(text);
  if (!url) co_return url.error().Within("--nodes");
  net::HttpRequest request;
  request.target = url->target;
  request.headers.Set("Accept", "application/json");
  const auto response = co_await client.Fetch(*url, std::move(request), net::After(kFetchTimeout));
  if (!response) co_return response.error();
  if (response->status != 200) {
    co_return Error(Code::kUnavailable, text + ": HTTP " + std::to_string(response->status));
  }
  co_return NodesOf(response->body, text);
}

Result<std::vector<Json>> ReadNodes(const std::string& path) {
  const auto text = ReadFile(path, kMaxNodeList);
  if (!text) return text.error().Within("--nodes");
  return NodesOf(*text, path);
}

}  // namespace

asio::awaitable<void> RunManifestFolder(std::string folder, std::chrono::milliseconds interval,
                                        ObjectSink sink, FeedStatus& status) {
  ManifestFolder files(folder);
  ObjectSet objects;
  FeedHealth health(folder, status);
  for (;;) {
    const auto changed = files.Poll();
    if (changed) {
      health.Good();
      if (*changed || !status.synced) Deliver(objects.Replace(files.Objects()), sink, status);
    } else {
      health.Bad(changed.error());
    }
    co_await net::SleepFor(interval);
  }
}

asio::awaitable<void> RunNodeList(net::HttpClient& client, std::string file_or_url,
                                  std::chrono::milliseconds interval, ObjectSink sink,
                                  FeedStatus& status) {
  const bool remote = file_or_url.starts_with("http://") || file_or_url.starts_with("https://");
  ObjectSet objects;
  FeedHealth health(file_or_url, status);
  for (;;) {
    Result<std::vector<Json>> nodes = std::vector<Json>();
    if (remote) {
      nodes = co_await FetchNodes(client, file_or_url);
    } else {
      nodes = ReadNodes(file_or_url);
    }
    if (nodes) {
      health.Good();
      Deliver(objects.Replace(std::move(*nodes)), sink, status);
    } else {
      health.Bad(nodes.error());
    }
    co_await net::SleepFor(interval);
  }
}

}  // namespace headroom::kube
