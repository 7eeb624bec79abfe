#include "cli/catalog/catalog.h"
#include "cli/fleet/reader.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "cli/serving_flags.h"
#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/footprint.h"
#include "estimator/search.h"

namespace headroom::cli {
namespace {

using estimator::Footprint;
using estimator::ModelFile;
using estimator::ServingOptions;

// Something that can hold models: a node, or a number given at the terminal.
struct Room {
  std::string name;
  uint64_t bytes = 0;  // headroom now
  ServingOptions serving;
};

struct CatalogOptions {
  ServingOptions serving;
  std::string budget;
  FleetOptions fleet;
  Format format = Format::kTable;
};

Result<std::vector<Room>> RoomsOf(const CatalogOptions& options) {
  if (!options.budget.empty()) {
    const auto bytes = ParseQuantity(options.budget);
    if (!bytes) return bytes.error().Within("--budget");
    return std::vector<Room>{{"budget", *bytes, options.serving}};
  }
  auto objects = ReadFleetObjects(ResolveSource(options.fleet));
  if (!objects) return objects.error();
  const Fleet fleet(std::move(*objects));
  std::vector<Room> rooms;
  for (const kube::Node* node : fleet.nodes()) {
    const auto budget = estimator::ResolveBudget({}, node->capacity);
    if (!node->publishes || !budget) continue;
    Room room{node->meta.name, SaturatingSub(budget->bytes, node->capacity.committed),
              options.serving};
    room.serving.runtime_version = node->capacity.runtime_version;
    room.serving.device =
        node->capacity.accelerator == "cpu" ? estimator::Device::kCpu : estimator::Device::kMetal;
    rooms.push_back(std::move(room));
  }
  return rooms;
}

// Names of the rooms that take it.
std::string Takers(const ModelFile& model, const std::vector<Room>& rooms) {
  std::string text;
  for (const Room& room : rooms) {
    const auto footprint = estimator::Estimate(model, room.serving);
    if (!footprint || footprint->footprint_bytes > room.bytes) continue;
    text += (text.empty() ? "" : ", ") + room.name;
  }
  return text;
}

Json ToJson(const std::string& name, const ModelFile& model, const Footprint& footprint,
            const std::string& takers) {
  Json out = Json::MakeObject();
  out.Set("name", name);
  out.Set("architecture", model.architecture);
  out.Set("quantization", model.quantization);
  out.Set("parameters", model.tensors.parameters);
  out.Set("fileBytes", model.file_bytes);
  out.Set("contextTrain", model.hyper.context_train);
  out.Set("context", footprint.context);
  out.Set("footprintBytes", footprint.footprint_bytes);
  out.Set("fits", takers);
  return out;
}

std::string Parameters(uint64_t count) {
  return std::to_string(count / 1'000'000'000) + "." + std::to_string(count / 100'000'000 % 10) +
         "B";
}

int List(Streams streams, const CatalogOptions& options, const std::vector<Room>& rooms) {
  Table table({{"NAME"},
               {"PARAMETERS"},
               {"QUANT"},
               {"FILE"},
               {"TRAINED CONTEXT", true},
               {"NEEDS"},
               {"FITS", false}});
  Json list = Json::MakeArray();
  for (const std::string& name : CatalogNames()) {
    const auto model = CatalogModel(name);
    if (!model) return Fail(streams, model.error());
    const auto footprint = estimator::Estimate(*model, options.serving);
    if (!footprint) return Fail(streams, footprint.error().Within(name));
    const std::string takers = Takers(*model, rooms);
    list.Append(ToJson(name, *model, *footprint, takers));
    table.Add({name,
               Parameters(model->tensors.parameters),
               model->quantization,
               FormatBytes(model->file_bytes),
               std::to_string(model->hyper.context_train),
               FormatBytes(footprint->footprint_bytes),
               {takers, takers.empty() ? Tone::kPlain : Tone::kGood}});
  }
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, list, options.format);
  } else {
    table.Print(streams.out, options.format == Format::kWide, streams.color);
  }
  return kDone;
}

int Info(Streams streams, const CatalogOptions& options, const std::vector<Room>& rooms,
         const std::string& name) {
  const auto model = CatalogModel(name);
  if (!model) return Fail(streams, model.error());
  const auto footprint = estimator::Estimate(*model, options.serving);
  if (!footprint) return Fail(streams, footprint.error().Within(name));
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, estimator::ToJson(*model, *footprint), options.format);
    return kDone;
  }
  const estimator::HyperParameters& hyper = model->hyper;
  streams.out << name << ": " << model->architecture << ", "
              << Parameters(model->tensors.parameters) << " parameters, " << model->quantization
              << ", file " << FormatBytes(model->file_bytes) << "\n"
              << hyper.layer_count << " layers, embedding " << hyper.embedding << ", "
              << hyper.head_count << " heads, vocabulary " << hyper.vocabulary;
  if (hyper.expert_count > 0) {
    streams.out << ", " << hyper.expert_used << " of " << hyper.expert_count << " experts";
  }
  streams.out << ", trained for " << hyper.context_train << " tokens\n\n";
  Table needs({{"CONTEXT"}, {"WEIGHTS"}, {"KV CACHE"}, {"STATE"}, {"COMPUTE"}, {"NEEDS"}});
  for (uint32_t context = 4096; context <= hyper.context_train; context *= 2) {
    ServingOptions serving = options.serving;
    serving.context = context;
    const auto at = estimator::Estimate(*model, serving);
    if (!at) return Fail(streams, at.error().Within(name));
    needs.Add({std::to_string(context), FormatBytes(at->resident_weights),
               FormatBytes(at->KvCache()), FormatBytes(at->RecurrentState()),
               FormatBytes(at->Compute() + at->Output()), FormatBytes(at->footprint_bytes)});
    if (context > UINT32_MAX / 2) break;
  }
  needs.Print(streams.out, true, streams.color);
  if (rooms.empty()) return kDone;
  streams.out << "\n";
  Table fits({{"NODE"}, {"HEADROOM"}, {"LARGEST CONTEXT"}});
  for (const Room& room : rooms) {
    const auto largest = estimator::LargestContext(*model, room.serving, room.bytes);
    fits.Add({room.name,
              FormatBytes(room.bytes),
              {largest ? std::to_string(*largest) : "none", largest ? Tone::kGood : Tone::kBad}});
  }
  fits.Print(streams.out, true, streams.color);
  return kDone;
}

}  // namespace

int RunCatalog(const Arguments& arguments, Streams streams) {
  CatalogOptions options;
  options.serving.context = 8192;
  // The model's own need; what a server may keep beside it is said by --cache-ram and
  // --ctx-checkpoints.
  options.serving.prompt_cache_mib = 0;
  options.serving.context_checkpoints = 0;
  Flags flags("headroom catalog",
              "headroom catalog list|info [NAME] [FLAGS]\n"
              "Well-known models, what each needs, and which machine could take it now: estimated "
              "from published hyper-parameters, before anything is downloaded.");
  flags.Add("budget", options.budget, "QUANTITY", "compare with this instead of machines");
  AddFormatFlag(flags, options.format);
  AddFleetFlags(flags, options.fleet);
  AddServingFlags(flags, options.serving);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  const auto& words = parsed->positional;
  const bool list = words.size() == 1 && words[0] == "list";
  const bool info = words.size() == 2 && words[0] == "info";
  if (!list && !info) {
    return Fail(streams, Error(Code::kInvalid, "catalog: expected list, or info NAME"), kUsage);
  }
  const bool asked =
      !options.budget.empty() || !options.fleet.nodes.empty() || !options.fleet.kubeconfig.empty();
  auto rooms = RoomsOf(options);
  if (!rooms && asked) {
    return Fail(streams, rooms.error(), options.budget.empty() ? kFailed : kUsage);
  }
  // Without any machine to ask, what a model needs is still worth knowing.
  const std::vector<Room> known = rooms ? *rooms : std::vector<Room>();
  return list ? List(streams, options, known) : Info(streams, options, known, words[1]);
}

}  // namespace headroom::cli
