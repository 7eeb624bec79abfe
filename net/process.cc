#include "net/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>

#include <algorithm>
#include <cerrno>

#include "net/spawn.h"

extern char** environ;

namespace headroom::net {

namespace {

std::string ErrorText(int code) { return strerror(code); }

// The inherited environment with ours on top.
std::vector<std::string> Environment(const std::vector<std::string>& ours) {
  std::vector<std::string> all = ours;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view inherited(*entry);
    const std::string_view name = inherited.substr(0, inherited.find('=') + 1);  // "NAME="
    const bool replaced = std::any_of(ours.begin(), ours.end(), [&](const std::string& own) {
      return !name.empty() && own.compare(0, name.size(), name) == 0;
    });
    if (!replaced) all.emplace_back(inherited);
  }
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;

  // Only 0, 1 and 2 reach the child, whatever else is open in this process.
  void Set(int stdout_fd, int stderr_fd) {
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, stdout_fd, 1);
    posix_spawn_file_actions_adddup2(&actions_, stderr_fd, 2);
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
#endif
  }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  // Own group, so that one signal reaches grandchildren too; default signals and an empty mask,
  // because ours are not the child's business.
  Attributes() {
    posix_spawnattr_init(&attributes_);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    posix_spawnattr_setflags(&attributes_, flags);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  return "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

Result<FileDescriptor> OpenOutput(const SpawnOptions& options) {
  const std::string path = options.output_file.empty() ? "/dev/null" : options.output_file;
  FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (fd.get() < 0) return Error(Code::kIo, path + ": " + ErrorText(errno));
  return fd;
}

Result<pid_t> SpawnWith(const SpawnOptions& options, int stdout_fd, int stderr_fd) {
  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.executable);
  std::vector<std::string> environment = Environment(options.environment);
  std::vector<char*> argv = Pointers(arguments), envp = Pointers(environment);
  FileActions actions;
  actions.Set(stdout_fd, stderr_fd);
  Attributes attributes;
  pid_t pid = 0;
  const int code = posix_spawnp(&pid, options.executable.c_str(), actions.get(), attributes.get(),
                                argv.data(), envp.data());
  if (code == 0) return pid;
  const bool in_path = options.executable.find('/') == std::string::npos;
  if (code == ENOENT && in_path) {
    return Error(Code::kNotFound, options.executable + ": not found in PATH");
  }
  return Error(code == ENOENT ? Code::kNotFound : Code::kIo,
               options.executable + ": " + ErrorText(code));
}

Result<pid_t> Spawn(const SpawnOptions& options) {
  const auto output = OpenOutput(options);
  if (!output) return output.error().Within(options.executable);
  return SpawnWith(options, output->get(), output->get());
}

Result<void> SignalGroup(pid_t pid, int signal) {
  // 0 and 1 would mean our own group and everybody.
  if (pid <= 1) return Error(Code::kInvalid, "pid " + std::to_string(pid) + " is no child");
  if (kill(-pid, signal) == 0 || errno == ESRCH) return {};
  return Error(Code::kIo,
               "signal to process group " + std::to_string(pid) + ": " + ErrorText(errno));
}

}  // namespace headroom::net
