#include "cli/docs/describe.h"

#include <sstream>

namespace headroom::cli {

std::vector<CommandDoc> DescribeCommands() {
  std::vector<CommandDoc> docs;
  for (const Command& command : Commands()) {
    CommandDoc doc{std::string(command.name), std::string(command.summary), "", "", {}};
    const std::function<void(const Flags&)> describe = [&doc](const Flags& flags) {
      const std::string& usage = flags.usage();
      const size_t line = std::min(usage.find('\n'), usage.size());
      doc.synopsis = usage.substr(0, line);
      doc.description = usage.substr(std::min(line + 1, usage.size()));
      doc.flags = flags.Describe();
    };
    std::ostringstream nowhere;
    command.run({}, {.out = nowhere, .err = nowhere, .describe = &describe});
    docs.push_back(std::move(doc));
  }
  return docs;
}

}  // namespace headroom::cli
