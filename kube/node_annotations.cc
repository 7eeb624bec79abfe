// What an exporter publishes on its Node, to and from NodeCapacity.
#include <algorithm>
#include <charconv>

#include "kube/objects.h"

namespace headroom::kube {
namespace {

using estimator::NodeCapacity;

std::string KeyOf(std::string_view name) { return std::string(kPrefix).append(name); }

std::optional<uint64_t> Whole(std::string_view text) {
  int64_t value = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return static_cast<uint64_t>(value);
}

// A quarter of what all annotations of an object may take together; the rest counts unnamed.
constexpr size_t kMaxCommitmentsText = 64 << 10;

std::string CommitmentsText(const NodeCapacity& capacity) {
  std::string text;
  for (const estimator::Commitment& one : capacity.commitments) {
    const std::string entry = one.key + "=" + std::to_string(one.bytes);
    if (text.size() + entry.size() >= kMaxCommitmentsText) break;
    text += (text.empty() ? "" : " ") + entry;
  }
  return text;
}

std::vector<std::string> AddressesOf(const Json& object) {
  std::vector<std::string> out;
  const Json* addresses = object.Find({"status", "addresses"});
  if (addresses == nullptr || addresses->AsArray() == nullptr) return out;
  for (const Json& entry : *addresses->AsArray()) {
    std::string address = StringOr(entry, {"address"});
    if (!address.empty()) out.push_back(std::move(address));
  }
  return out;
}

// Reads annotations, remembering the first problem as the text an operator gets (HR-201).
class Reader {
 public:
  Reader(const Meta& meta, NodeCapacity& out) : meta_(meta), out_(out) {}

  const std::string* Find(std::string_view name) const {
    const auto it = meta_.annotations.find(KeyOf(name));
    return it == meta_.annotations.end() ? nullptr : &it->second;
  }
  std::string Text(std::string_view name) const {
    const std::string* value = Find(name);
    return value == nullptr ? "" : *value;
  }
  std::optional<uint64_t> Bytes(std::string_view name) {
    const std::string* text = Find(name);
    if (text == nullptr) return std::nullopt;
    const auto value = Whole(*text);
    if (!value) Refuse(name, "expected a whole number of bytes", *text);
    return value;
  }
  // "Model/team-a/llama=123 InferenceService/team-a/chat=456"
  std::vector<estimator::Commitment> Commitments(std::string_view name) {
    std::vector<estimator::Commitment> out;
    const std::string* text = Find(name);
    std::string_view rest = text == nullptr ? std::string_view() : *text;
    while (!rest.empty()) {
      const std::string_view entry = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
      const size_t equals = std::min(entry.find('='), entry.size());
      const auto bytes = Whole(entry.substr(std::min(equals + 1, entry.size())));
      if (equals == 0 || !bytes) {
        Refuse(name, "expected KIND/NAMESPACE/NAME=BYTES, separated by blanks", std::string(entry));
        return {};
      }
      out.push_back({std::string(entry.substr(0, equals)), *bytes});
    }
    return out;
  }
  void Refuse(std::string_view name, std::string_view expected, const std::string& found) {
    // Annotations are other people's text: cut, so that a message stays readable.
    Note("annotation " + KeyOf(name) + ": " + std::string(expected) + ", got '" +
         found.substr(0, 40) + "'");
  }
  void Missing(std::string_view name) {
    Note("annotation " + KeyOf(name) + " is missing: is headroom-exporter running there?");
  }

 private:
  void Note(std::string text) {
    if (out_.invalid.empty()) out_.invalid = std::move(text);
  }
  const Meta& meta_;
  NodeCapacity& out_;
};

bool IsReadyFalse(const Json& object) {
  const Json* conditions = object.Find({"status", "conditions"});
  if (conditions == nullptr || conditions->AsArray() == nullptr) return false;
  for (const Json& condition : *conditions->AsArray()) {
    if (StringOr(condition, {"type"}) == "Ready") return StringOr(condition, {"status"}) == "False";
  }
  return false;
}

void ReadTexts(Reader& reader, NodeCapacity& out) {
  out.budget_source = reader.Text("memory-budget-source");
  out.runtime_version = reader.Text("runtime-version");
  out.metrics_address = reader.Text("metrics-address");
  out.agent_version = reader.Text("agent-version");
  const std::string pressure = reader.Text("memory-pressure");
  for (const std::string_view known : {"normal", "warning", "critical"}) {
    if (pressure == known) out.pressure = pressure;
  }
  if (const std::string* accelerator = reader.Find("accelerator")) {
    if (*accelerator == "metal" || *accelerator == "cpu") {
      out.accelerator = *accelerator;
    } else {
      reader.Refuse("accelerator", "expected metal or cpu", *accelerator);
    }
  }
}

}  // namespace

Node DecodeNode(const Json& object) {
  Node node;
  node.meta = DecodeMeta(object);
  const auto first = node.meta.annotations.lower_bound(kPrefix);
  node.publishes = first != node.meta.annotations.end() && first->first.starts_with(kPrefix);

  NodeCapacity& out = node.capacity;
  Reader reader(node.meta, out);
  out.name = node.meta.name;
  out.schedulable = !BoolOr(object, {"spec", "unschedulable"}, false) && !IsReadyFalse(object);
  if (reader.Find("memory-total") == nullptr) reader.Missing("memory-total");
  out.memory_total = reader.Bytes("memory-total").value_or(0);
  out.memory_budget = reader.Bytes("memory-budget");
  out.gpu_working_set = reader.Bytes("gpu-working-set").value_or(0);
  out.available = reader.Bytes("memory-available").value_or(0);
  out.wired = reader.Bytes("memory-wired").value_or(0);
  out.committed = reader.Bytes("memory-committed").value_or(0);
  out.commitments = reader.Commitments("memory-committed-workloads");
  node.addresses = AddressesOf(object);
  ReadTexts(reader, out);
  if (const std::string* text = reader.Find("observed-at")) {
    const auto time = ParseRfc3339(*text);
    if (time) {
      out.observed_at = *time;
    } else {
      reader.Refuse("observed-at", "expected an RFC 3339 time", *text);
    }
  } else {
    // Without it numbers of any age would pass for fresh.
    reader.Missing("observed-at");
  }
  return node;
}

std::map<std::string, std::string> EncodeAnnotations(const NodeCapacity& capacity) {
  std::map<std::string, std::string> out;
  const auto bytes = [&out](std::string_view name, uint64_t value) {
    out[KeyOf(name)] = std::to_string(value);
  };
  const auto text = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out[KeyOf(name)] = value;
  };
  bytes("memory-total", capacity.memory_total);
  if (capacity.memory_budget) bytes("memory-budget", *capacity.memory_budget);
  bytes("gpu-working-set", capacity.gpu_working_set);
  bytes("memory-available", capacity.available);
  bytes("memory-wired", capacity.wired);
  bytes("memory-committed", capacity.committed);
  text("memory-committed-workloads", CommitmentsText(capacity));
  text("memory-budget-source", capacity.budget_source);
  text("memory-pressure", capacity.pressure);
  text("accelerator", capacity.accelerator);
  text("runtime-version", capacity.runtime_version);
  text("metrics-address", capacity.metrics_address);
  text("agent-version", capacity.agent_version);
  if (capacity.observed_at) text("observed-at", FormatRfc3339(*capacity.observed_at));
  return out;
}

const std::vector<std::string>& NodeAnnotationKeys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out;
    for (const char* name :
         {"memory-total", "memory-budget", "memory-budget-source", "gpu-working-set",
          "memory-available", "memory-wired", "memory-committed", "memory-committed-workloads",
          "memory-pressure", "accelerator", "runtime-version", "metrics-address", "agent-version",
          "observed-at"}) {
      out.push_back(KeyOf(name));
    }
    return out;
  }();
  return keys;
}

}  // namespace headroom::kube
