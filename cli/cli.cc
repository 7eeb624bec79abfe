#include "cli/cli.h"

#include <array>
#include <cstdlib>

#include "cli/commands.h"

namespace headroom::cli {
namespace {

constexpr std::array kCommands = {
    Command{"estimate", "what a model file needs in memory, part by part", RunEstimate},
    Command{"inspect", "what the header of a model file says", RunInspect},
    Command{"catalog", "well-known models, and which machine could take them", RunCatalog},
    Command{"check", "what the webhook would say of manifests, without applying them", RunCheck},
    Command{"nodes", "the machines: memory, budget, what is committed and what is left", RunNodes},
    Command{"top", "what takes the memory now, and models against their estimates", RunTop},
    Command{"status", "what runs where, and how", RunStatus},
    Command{"events", "what happened to models", RunEvents},
    Command{"why", "the whole decision about a model again, with today's numbers", RunWhy},
    Command{"simulate", "what fits where if machines are lost or models come in", RunSimulate},
    Command{"doctor", "what is wrong with this machine or this cluster, and the remedy", RunDoctor},
    Command{"join", "let one Mac join the cluster: rights, credential, kubeconfig", RunJoin},
    Command{"deploy", "make a Model and its service when they fit", RunDeploy},
    Command{"apply", "ask the webhook about manifests and keep those it accepts", RunApply},
    Command{"probe", "prove that the cluster's API server asks the webhook", RunProbe},
    Command{"delete", "remove accepted manifests, which stops their models", RunDelete},
    Command{"completion", "the script that completes headroom in a shell", RunCompletion},
    Command{"man", "the manual pages", RunMan},
};

void PrintUsage(std::ostream& out, std::string_view program) {
  out << "headroom keeps large language models within a Mac's memory.\n\nUsage: " << program
      << " COMMAND [FLAGS]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    out << "  " << command.name << std::string(12 - command.name.size(), ' ') << command.summary
        << "\n";
  }
  out << "\n"
      << program
      << " COMMAND --help tells the flags of a command.\n"
         "Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n";
}

Arguments Rest(const Arguments& arguments) {
  return Arguments(arguments.begin() + 1, arguments.end());
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

int NoArguments(std::string_view command, Streams streams) {
  return Fail(streams, Error(Code::kInvalid, std::string(command) + ": expected no arguments"),
              kUsage);
}

int Fail(Streams streams, const Error& error, int code) {
  streams.err << "headroom: " << error.message() << "\n";
  return code;
}

ParsedOrExit ParseFlags(const Flags& flags, const Arguments& arguments, Streams streams) {
  if (streams.describe != nullptr) {
    (*streams.describe)(flags);
    return {std::nullopt, kDone};
  }
  auto parsed = flags.Parse(arguments, [](const char* name) { return std::getenv(name); });
  if (!parsed) return {std::nullopt, Fail(streams, parsed.error(), kUsage)};
  if (parsed->help) {
    streams.out << flags.Help();
    return {std::nullopt, kDone};
  }
  if (parsed->version) {
    streams.out << "headroom " << HEADROOM_VERSION << "\n";
    return {std::nullopt, kDone};
  }
  return {std::move(parsed).value(), kDone};
}

int Run(const Arguments& arguments, Streams streams) {
  if (arguments.empty()) {
    PrintUsage(streams.err, streams.program);
    return kUsage;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    PrintUsage(streams.out, streams.program);
    return kDone;
  }
  if (name == "--version") {
    streams.out << "headroom " << HEADROOM_VERSION << "\n";
    return kDone;
  }
  // Asked by the scripts of "completion" and by kubectl; nobody types it.
  if (name == "__complete") return RunComplete(Rest(arguments), streams);
  for (const Command& command : kCommands) {
    if (command.name == name) {
      return command.run(Rest(arguments), streams);
    }
  }
  return Fail(streams,
              Error(Code::kInvalid, "unknown command '" + name + "'; headroom --help lists them"),
              kUsage);
}

}  // namespace headroom::cli
