// Command-line flags bound to fields of an options struct, with help text and environment fallback
// (--log-level, else HEADROOM_LOG_LEVEL; empty counts as unset; lists are split at commas).
// --name=value, --name value, --flag, --no-flag. A name registered as "filename,f" is also -f.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace headroom {

class Flags {
 public:
  // `usage` is the first lines of --help. Targets must outlive Parse(); their values at
  // registration are the defaults that --help prints.
  Flags(std::string program, std::string usage);

  void Add(std::string_view name, std::string& target, std::string_view value_name,
           std::string_view help);
  void Add(std::string_view name, std::vector<std::string>& target, std::string_view value_name,
           std::string_view help);  // repeatable; the first use replaces the defaults
  void Add(std::string_view name, bool& target, std::string_view help);
  void Add(std::string_view name, int& target, std::string_view value_name, std::string_view help);
  void Add(std::string_view name, double& target, std::string_view value_name,
           std::string_view help);
  void Add(std::string_view name, std::chrono::milliseconds& target,
           std::string_view help);  // "250ms", "10s", "2m", "1h"
  // Anything else: `parse` checks the text and stores it; its error is printed after the flag name.
  void Add(std::string_view name, std::string_view value_name, std::string_view help,
           std::string_view default_text, std::function<Result<void>(std::string_view)> parse);

  struct Parsed {
    bool help = false;     // --help was asked for: print Help() and exit 0
    bool version = false;  // --version likewise
    std::vector<std::string> positional;
    std::vector<std::string> after_dashes;  // everything behind a bare "--"
  };
  // Errors name the flag and the expected form: "--listen: expected HOST:PORT, got 'x'"; an unknown
  // flag suggests the nearest known one. `getenv` is injected for tests.
  Result<Parsed> Parse(const std::vector<std::string>& args,
                       const std::function<const char*(const char*)>& getenv) const;

  std::string Help() const;

  // What Help() is made of, for completion scripts and manual pages: they cannot differ from it.
  struct Info {
    std::string name = {}, value_name = {}, help = {}, default_text = {};
    char letter = 0;  // of the short form, 0 if none
    bool is_switch = false, is_list = false;
  };
  std::vector<Info> Describe() const;
  const std::string& program() const { return program_; }
  const std::string& usage() const { return usage_; }

 private:
  struct Flag : Info {
    std::function<Result<void>(std::string_view)> set;
    std::function<void()> clear = {};  // lists only: forgets the defaults
  };
  struct Given {  // one flag as found on the command line
    const Flag* flag;
    std::string shown, value;
  };
  void Register(Flag flag);
  const Flag* FindFlag(std::string_view name) const;
  Error UnknownFlag(std::string_view shown, std::string_view name) const;
  Result<void> ParseOne(const std::vector<std::string>& args, size_t& at, Parsed& parsed,
                        std::vector<Given>& given) const;
  Result<void> ApplyEnvironment(const std::vector<Given>& given,
                                const std::function<const char*(const char*)>& getenv) const;

  std::string program_, usage_;
  std::vector<Flag> flags_;
};

Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace headroom
