#include <filesystem>

#include "cli/docs/completion.h"
#include "cli/docs/pages.h"
#include "common/files.h"

namespace headroom::cli {

int RunCompletion(const Arguments& arguments, Streams streams) {
  Flags flags("headroom completion",
              "headroom completion SHELL\n"
              "Prints the script that completes headroom's commands and flags in SHELL: bash (load "
              "it with source), zsh (save it as _headroom in a folder of $fpath), fish (save it in "
              "~/.config/fish/completions), or kubectl (save it as kubectl_complete-headroom in a "
              "folder of $PATH).");
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  const std::string script =
      parsed->positional.size() == 1 ? CompletionScript(parsed->positional[0]) : "";
  if (script.empty()) {
    return Fail(streams, Error(Code::kInvalid, "completion: expected bash, zsh, fish or kubectl"),
                kUsage);
  }
  streams.out << script;
  return kDone;
}

int RunMan(const Arguments& arguments, Streams streams) {
  std::string folder;
  Flags flags("headroom man",
              "headroom man [COMMAND] [FLAGS]\n"
              "Prints a manual page, as in: headroom man check | man -l -\nWith --dir writes all "
              "of them.");
  flags.Add("dir", folder, "DIR", "write every page into this folder, as man1 has them");
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  const auto pages = ManualPages(DescribeCommands());
  if (!folder.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    for (const auto& [name, text] : pages) {
      auto written = WriteFileAtomically(folder + "/" + name, text);
      if (!written) return Fail(streams, written.error());
    }
    return kDone;
  }
  const std::string name =
      parsed->positional.empty() ? "headroom.1" : "headroom-" + parsed->positional[0] + ".1";
  const auto page = pages.find(name);
  if (page == pages.end() || parsed->positional.size() > 1) {
    return Fail(streams,
                Error(Code::kInvalid, "man: expected one command; headroom --help lists them"),
                kUsage);
  }
  streams.out << page->second;
  return kDone;
}

int RunComplete(const Arguments& words, Streams streams) {
  streams.out << CompletionText(Complete(DescribeCommands(), words));
  return kDone;
}

}  // namespace headroom::cli
