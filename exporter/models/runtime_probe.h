// Runs the installed llama-server once per version to learn what it is; see runtime.h.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "common/result.h"
#include "exporter/models/runtime.h"
#include "net/process.h"

namespace headroom::exporter {

class RuntimeProbe {
 public:
  // `executable` as given by --llama-server: a path, or a name to look up in PATH.
  RuntimeProbe(net::Reaper& reaper, std::string executable)
      : reaper_(reaper), wanted_(std::move(executable)) {}

  // The last good answer while the file is the same; else asks again. Errors name the executable
  // and what to do.
  boost::asio::awaitable<Result<Runtime>> Get();
  // The last good answer, without asking.
  const std::optional<Runtime>& known() const { return known_; }

 private:
  boost::asio::awaitable<Result<std::string>> Run(std::string path, std::string flag);

  net::Reaper& reaper_;
  std::string wanted_;
  std::string stamp_;  // of the file `known_` was learnt from
  std::optional<Runtime> known_;
};

// Absolute path of a program, looked up in PATH when it has no '/'.
Result<std::string> FindExecutable(const std::string& name, const char* path_variable);

}  // namespace headroom::exporter
