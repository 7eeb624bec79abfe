// What may follow on a command line, and the scripts that let a shell ask. The shells call
// "headroom __complete WORD...", so that there is one set of rules.
#pragma once

#include <string>
#include <vector>

#include "cli/docs/describe.h"

namespace headroom::cli {

struct Completion {
  struct Candidate {
    std::string text, help;
  };
  std::vector<Candidate> candidates;
  bool files = false;  // names of files may follow, too
};

// `words` are those behind the program's name; the last one is being typed and may be empty.
Completion Complete(const std::vector<CommandDoc>& commands, const Arguments& words);

// A line each, help behind a tab, then ":4" (or ":0" where files may follow): the protocol of
// cobra, which kubectl asks its plugins with.
std::string CompletionText(const Completion& completion);

// The script for bash, zsh or fish, or for kubectl ("kubectl": the program that kubectl looks for
// as kubectl_complete-headroom); "" for other shells.
std::string CompletionScript(std::string_view shell);

}  // namespace headroom::cli
