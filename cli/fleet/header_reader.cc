#include "cli/fleet/header_reader.h"

#include "cli/await.h"
#include "cli/model_reader.h"
#include "common/files.h"

namespace headroom::cli {
namespace {

namespace asio = boost::asio;
using sources::ModelHeader;

constexpr std::chrono::seconds kNodeDeadline{10};

Result<ModelHeader> FromNode(const kube::Node& node, const sources::NodeAddressPolicy& policy,
                             const sources::Source& source, const std::string& token) {
  asio::io_context io(1);
  net::HttpClientOptions client_options;
  client_options.address_guard = [&policy](std::string_view host, std::string_view address) {
    return policy.CheckAddress(host, address);
  };
  net::HttpClient client(io.get_executor(), std::move(client_options));
  return Await(
      io, sources::ReadNodeHeader(client, policy, {node.capacity.metrics_address, node.addresses},
                                  source, token, net::After(kNodeDeadline)));
}

Result<ModelHeader> FromNodes(const std::vector<const kube::Node*>& targets,
                              const sources::Source& source, const HeaderOptions& options,
                              WallTime now) {
  std::string token;
  if (!options.node_token_file.empty()) {
    auto read = ReadToken(options.node_token_file);
    if (!read) return read.error().Within("--node-token-file");
    token = std::move(*read);
  }
  // This machine's own exporter may be asked whatever its Node object lists.
  std::vector<std::string> allowed = options.node_allow;
  allowed.insert(allowed.end(), {"127.0.0.0/8", "::1"});
  const auto policy = sources::NodeAddressPolicy::Parse(allowed, /*require_tls=*/false);
  if (!policy) return policy.error().Within("--node-allow");
  Error first(Code::kNotFound, "no live target node says where its exporter listens");
  bool asked = false;
  for (const kube::Node* node : targets) {
    const bool live = node->publishes && !estimator::IsStale(node->capacity, now);
    if (!live || node->capacity.metrics_address.empty()) continue;
    auto header = FromNode(*node, *policy, source, token);
    if (header) return header;
    if (!asked) first = header.error().Within("node " + node->meta.name);
    asked = true;
  }
  return first;
}

}  // namespace

void AddHeaderFlags(Flags& flags, HeaderOptions& options) {
  flags.Add("node-token-file", options.node_token_file, "FILE",
            "token for the exporters' /v1/header, for models that lie on the nodes");
  flags.Add("node-allow", options.node_allow, "ADDRESS[/PREFIX]",
            "further addresses that may be sent the token; a Node's own are known");
}

HeaderReader MakeHeaderReader(const HeaderOptions& options, WallTime now, Progress* progress) {
  return [options, now, progress](
             const std::string& text,
             const std::vector<const kube::Node*>& targets) -> Result<ModelHeader> {
    const auto source = sources::ParseSource(text);
    if (!source) return source.error();
    const std::string subject = "header of " + Describe(*source);
    if (source->where != sources::Source::Where::kNodeFile) {
      auto header = ReadModel(text, progress);
      return header ? header : header.error().Within(subject);
    }
    auto there = FromNodes(targets, *source, options, now);
    if (there) return there;
    auto here = sources::ReadLocalHeader(source->path);
    if (here) return here;
    return there.error().Within(subject);
  };
}

}  // namespace headroom::cli
