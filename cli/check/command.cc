#include "cli/check/manifests.h"
#include "cli/check/report.h"
#include "cli/cli.h"
#include "cli/fleet/header_reader.h"
#include "cli/fleet/reader.h"
#include "cli/output/format.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

enum class Form { kText, kJson, kYaml, kSarif, kJunit };

struct CheckOptions {
  std::vector<std::string> files;
  std::string budget;
  FleetOptions fleet;
  HeaderOptions headers;
  bool allow_unknown = false;
  Form form = Form::kText;
};

void AddFlags(Flags& flags, CheckOptions& options) {
  flags.Add("filename,f", options.files, "FILE|DIR|-",
            "manifests in YAML or JSON; a folder with all below it; - = standard input");
  flags.Add("budget", options.budget, "QUANTITY",
            "judge against this many bytes (24Gi) instead of the nodes of a fleet");
  AddFleetFlags(flags, options.fleet);
  AddHeaderFlags(flags, options.headers);
  flags.Add("unknown-size", "deny|warn", "what to do with a model whose size cannot be known",
            "deny", [&options](std::string_view text) -> Result<void> {
              if (text != "deny" && text != "warn") {
                return Error(Code::kInvalid,
                             "expected deny or warn, got '" + std::string(text) + "'");
              }
              options.allow_unknown = text == "warn";
              return {};
            });
  flags.Add("output,o", "table|json|yaml|sarif|junit", "how to print", "table",
            [&options](std::string_view text) -> Result<void> {
              constexpr std::pair<std::string_view, Form> kForms[] = {{"table", Form::kText},
                                                                      {"json", Form::kJson},
                                                                      {"yaml", Form::kYaml},
                                                                      {"sarif", Form::kSarif},
                                                                      {"junit", Form::kJunit}};
              for (const auto& [name, form] : kForms) {
                if (text == name) {
                  options.form = form;
                  return {};
                }
              }
              return Error(Code::kInvalid, "expected table, json, yaml, sarif or junit, got '" +
                                               std::string(text) + "'");
            });
}

Result<std::vector<Manifest>> ReadAll(const std::vector<std::string>& files) {
  std::vector<Manifest> out;
  for (const std::string& file : files) {
    auto read = ReadManifestTree(file);
    if (!read) return read.error();
    out.insert(out.end(), std::make_move_iterator(read->begin()),
               std::make_move_iterator(read->end()));
  }
  return out;
}

// What is there already; Nodes among the manifests are part of the fleet and not judged.
Result<std::vector<Json>> Existing(const CheckOptions& options, std::vector<Manifest>& manifests,
                                   WallTime now) {
  std::vector<Json> objects;
  if (!options.budget.empty()) {
    const auto bytes = ParseQuantity(options.budget);
    if (!bytes) return bytes.error().Within("--budget");
    objects.push_back(BudgetNode(*bytes, now));
    for (Manifest& manifest : manifests) BindToBudget(manifest.object);
  } else {
    auto read = ReadFleetObjects(ResolveSource(options.fleet));
    if (!read) return read.error();
    objects = std::move(*read);
  }
  const auto is_node = [](const Manifest& one) { return StringOr(one.object, {"kind"}) == "Node"; };
  std::erase_if(manifests, is_node);
  return objects;
}

void Print(std::ostream& out, const std::vector<Checked>& checked, Form form, bool color) {
  switch (form) {
    case Form::kText: out << TextReport(checked, color); break;
    case Form::kJson: PrintDocument(out, JsonReport(checked), Format::kJson); break;
    case Form::kYaml: PrintDocument(out, JsonReport(checked), Format::kYaml); break;
    case Form::kSarif: PrintDocument(out, SarifReport(checked), Format::kJson); break;
    case Form::kJunit: out << JunitReport(checked); break;
  }
}

}  // namespace

int RunCheck(const Arguments& arguments, Streams streams) {
  CheckOptions options;
  Flags flags("headroom check",
              "headroom check -f FILE|DIR|- [FLAGS]\n"
              "The decision that the webhook would take about each manifest, without applying "
              "anything, in the order of the files: what is allowed takes its room from what "
              "follows.\nFor the CI of a GitOps repository. Judges against the nodes of the "
              "cluster, of --nodes, or a number (--budget). Exit code 1: something was denied.");
  AddFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (options.files.empty() || !parsed->positional.empty()) {
    const Error usage(Code::kInvalid,
                      "check: expected -f FILE, as in: headroom check -f models/ "
                      "--budget 24Gi");
    return Fail(streams, usage, kUsage);
  }
  auto manifests = ReadAll(options.files);
  if (!manifests) return Fail(streams, manifests.error());
  const WallTime now = std::chrono::system_clock::now();
  auto existing = Existing(options, *manifests, now);
  if (!existing) {
    const bool usage = !options.budget.empty();
    return Fail(streams, existing.error(), usage ? kUsage : kFailed);
  }
  Judge judge(MakeHeaderReader(options.headers, now, streams.progress),
              {options.allow_unknown, now});
  const auto checked = CheckManifests(*manifests, std::move(*existing), judge);
  Print(streams.out, checked, options.form, streams.color);
  if (checked.empty()) streams.err << "headroom: no Model or InferenceService in these files\n";
  return AnyDenied(checked) ? kFailed : kDone;
}

}  // namespace headroom::cli
