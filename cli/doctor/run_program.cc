#include "cli/doctor/run_program.h"

#include <optional>

#include "cli/await.h"
#include "net/process.h"
#include "net/task_group.h"

namespace headroom::cli {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kProgramTime{20};  // a cold start from a slow disk

asio::awaitable<void> CaptureInto(net::Reaper& reaper, net::SpawnOptions options,
                                  std::optional<Result<net::CaptureResult>>& into) {
  auto captured = co_await net::Capture(reaper, std::move(options), net::After(kProgramTime));
  into = std::move(captured);
}

asio::awaitable<Result<net::CaptureResult>> Captured(net::SpawnOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  net::Reaper reaper(executor);
  net::TaskGroup group(executor);
  std::optional<Result<net::CaptureResult>> result;
  group.Spawn(reaper.Run());
  group.Spawn(CaptureInto(reaper, std::move(options), result));
  co_await group.Join();
  if (!result) co_return Error(Code::kIo, "not run");
  co_return std::move(*result);
}

}  // namespace

Result<std::string> ProgramOutput(const std::string& program, std::vector<std::string> arguments,
                                  bool with_errors) {
  asio::io_context io(1);
  net::SpawnOptions options;
  options.executable = program;
  options.arguments = std::move(arguments);
  options.capture_stderr = with_errors;
  auto result = Await(io, Captured(std::move(options)));
  if (!result) return result.error();
  if (!result->status.ok()) return Error(Code::kIo, program + ": " + result->status.ToString());
  return std::move(result->output);
}

}  // namespace headroom::cli
