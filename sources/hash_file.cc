#include "sources/hash_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "net/async.h"
#include "sources/sha256.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

constexpr size_t kReadBytes = 4u << 20;
constexpr int kReadsPerTurn = 32;  // 128 MiB: some tenths of a second, so others get their turn

// Shared with the worker, which may outlive a cancelled caller.
struct Job {
  std::string path;
  int fd = -1;
  Sha256 sum;
  std::string buffer = std::string(kReadBytes, '\0');
  std::optional<Error> error;
  bool done = false;
  ~Job() {
    if (fd >= 0) ::close(fd);
  }
  void Fail() {
    error = Error(Code::kIo, path + ": " + std::generic_category().message(errno));
    done = true;
  }
};

void Turn(Job& job) {
  if (job.fd < 0) job.fd = ::open(job.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (job.fd < 0) return job.Fail();
  for (int i = 0; i < kReadsPerTurn && !job.done; ++i) {
    const ssize_t got = ::read(job.fd, job.buffer.data(), job.buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return job.Fail();
    job.done = got == 0;
    job.sum.Add(std::string_view(job.buffer).substr(0, static_cast<size_t>(got)));
  }
}

}  // namespace

asio::awaitable<Result<std::string>> HashFile(std::string path) {
  const auto job = std::make_shared<Job>();
  job->path = std::move(path);
  while (!job->done) {
    std::function<void()> turn = [job] { Turn(*job); };
    co_await net::RunBlocking(std::move(turn));
  }
  if (job->error) co_return *job->error;
  co_return job->sum.Hex();
}

}  // namespace headroom::sources
