#include "cli/cli.h"
#include "cli/fleet/reader.h"
#include "cli/manifest_folder.h"
#include "cli/wait.h"
#include "cli/webhook_client.h"

namespace headroom::cli {
namespace {

struct ApplyOptions {
  std::vector<std::string> files;
  std::string manifests;
  WebhookAddress webhook{"https://127.0.0.1:9443", ""};
  bool dry_run = false;
  bool wait = false;
  std::chrono::milliseconds timeout{10 * 60'000};  // a large model is fetched and loaded
  std::string exporter = kLocalExporter;
};

void AddFileFlags(Flags& flags, ApplyOptions& options) {
  flags.Add("filename,f", options.files, "FILE", "manifests in YAML or JSON; - = standard input");
  flags.Add("manifests", options.manifests, "DIR",
            "the folder that headroom-exporter and headroom-webhook read (--manifests there)");
}

Result<std::vector<Json>> ReadAll(const std::vector<std::string>& files) {
  std::vector<Json> objects;
  for (const std::string& file : files) {
    auto read = ReadManifests(file);
    if (!read) return read.error();
    objects.insert(objects.end(), read->begin(), read->end());
  }
  return objects;
}

// How apply and delete begin: flags, then the objects of all files. No objects: return `exit_code`.
struct Opening {
  std::optional<std::vector<Json>> objects;
  int exit_code = kDone;
};

Opening Open(const Flags& flags, const ApplyOptions& options, const Arguments& arguments,
             Streams streams) {
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return {std::nullopt, exit_code};
  if (options.files.empty() || options.manifests.empty()) {
    const Error missing(Code::kInvalid,
                        "expected -f FILE and --manifests DIR (or HEADROOM_MANIFESTS); --help "
                        "tells more");
    return {std::nullopt, Fail(streams, missing, kUsage)};
  }
  auto objects = ReadAll(options.files);
  if (!objects) return {std::nullopt, Fail(streams, objects.error())};
  return {std::move(objects).value(), kDone};
}

// What is accepted and will be served joins `awaited`.
int ApplyOne(const ApplyOptions& options, const Json& object, Streams streams,
             std::vector<Awaited>& awaited) {
  const ManifestFolder folder(options.manifests);
  const auto old_object = folder.Find(object);
  if (!old_object) return Fail(streams, old_object.error());
  const auto decision = AskWebhook(options.webhook, object, *old_object, options.dry_run);
  if (!decision) return Fail(streams, decision.error());
  for (const std::string& warning : decision->warnings)
    streams.err << "Warning: " << warning << "\n";
  if (!decision->allowed) {
    streams.err << "Error: " << NameOf(object) << " was refused:\n" << decision->message << "\n";
    return kFailed;
  }
  const bool same = *old_object && **old_object == object;
  if (!options.dry_run && !same) {
    if (const auto stored = folder.Store(object); !stored) return Fail(streams, stored.error());
  }
  streams.out << NameOf(object)
              << (same          ? " unchanged"
                  : *old_object ? " configured"
                                : " created")
              << (options.dry_run ? " (dry run)" : "") << "\n";
  if (IsServed(object)) {
    awaited.push_back({StringOr(object, {"kind"}), StringOr(object, {"metadata", "namespace"}),
                       StringOr(object, {"metadata", "name"}), *old_object && !same});
  }
  return kDone;
}

}  // namespace

int RunApply(const Arguments& arguments, Streams streams) {
  ApplyOptions options;
  Flags flags("headroom apply",
              "headroom apply -f FILE [FLAGS]\n"
              "For a machine without Kubernetes: asks headroom-webhook about each object and keeps "
              "what it accepts in the manifests folder, where headroom-exporter finds it.");
  AddFileFlags(flags, options);
  flags.Add("webhook", options.webhook.url, "URL", "address of headroom-webhook");
  flags.Add("webhook-ca", options.webhook.ca_file, "FILE",
            "certificate that signed the webhook's own");
  flags.Add("dry-run", options.dry_run, "ask only, keep nothing");
  flags.Add("wait", options.wait, "until what was accepted is fetched, loaded and serves");
  flags.Add("timeout", options.timeout, "how long --wait waits");
  flags.Add("exporter", options.exporter, "URL", "address of headroom-exporter, for --wait");
  const auto [objects, exit_code] = Open(flags, options, arguments, streams);
  if (!objects) return exit_code;
  int code = kDone;
  std::vector<Awaited> awaited;
  for (const Json& object : *objects) {
    code = std::max(code, ApplyOne(options, object, streams, awaited));
  }
  if (!options.wait || options.dry_run) return code;
  streams.out.flush();
  return std::max(code, WaitUntilServed(streams, options.exporter, awaited, options.timeout));
}

int RunDelete(const Arguments& arguments, Streams streams) {
  ApplyOptions options;
  Flags flags("headroom delete",
              "headroom delete -f FILE [FLAGS]\n"
              "Removes the objects of FILE from the manifests folder; their models stop.");
  AddFileFlags(flags, options);
  const auto [objects, exit_code] = Open(flags, options, arguments, streams);
  if (!objects) return exit_code;
  int code = kDone;
  for (const Json& object : *objects) {
    const auto removed = ManifestFolder(options.manifests).Remove(object);
    if (!removed) return Fail(streams, removed.error());
    streams.out << NameOf(object) << (*removed ? " deleted" : " was not there") << "\n";
    if (!*removed) code = kFailed;
  }
  return code;
}

}  // namespace headroom::cli
