// Reads only the GGUF header of a model file (all parts of a split), wherever the file is. The
// reader is sans-I/O; these are its callers: a local file, HTTPS ranges, and a node's /v1/header.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "common/result.h"
#include "estimator/model.h"
#include "net/async.h"
#include "net/http_client.h"
#include "sources/address_policy.h"
#include "sources/node_address.h"
#include "sources/source.h"

namespace headroom::sources {

struct ModelHeader {
  estimator::ModelFile model;
  uint64_t bytes_read = 0;  // what was fetched to know it
  std::string revision;     // ETag, or size and mtime: changes when the file does
  bool projector = false;   // an mmproj file: only model.file_bytes is set
  // The file still is the revision the caller knows; nothing else is set.
  bool unchanged = false;
};

// A file on this machine (all parts of a split), with pread; nothing beyond the header is read.
Result<ModelHeader> ReadLocalHeader(const std::string& path);
// The raw header bytes of one file and its size, for /v1/header. Refuses what is no regular file.
struct RawHeader {
  std::string bytes;
  uint64_t file_bytes = 0;
  std::string revision;
};
Result<RawHeader> ReadRawHeader(const std::string& path);

// HTTPS by ranges: one range covers every published header, and reading stops at the header's end.
// Identity encoding, at most five redirects through `policy`, credentials never sent to another
// host, caps on bytes. `client` must dial through policy.CheckAddress. Errors never carry a word of
// the upstream's answer. `known_revision` is that of a header the caller still has, "" = none: a
// file in one part is then asked for only if it has changed.
boost::asio::awaitable<Result<ModelHeader>> ReadRemoteHeader(net::HttpClient& client,
                                                             const AddressPolicy& policy,
                                                             Source source, std::string bearer,
                                                             net::Deadline deadline,
                                                             std::string known_revision = "");

// A file on a node, by its exporter: GET {metrics_address}/v1/header?path=… with a bearer token; a
// kHttps source is asked for in the node's store of fetched files (?source=…&part=…).
// The answer's body is the header, X-Headroom-File-Bytes the size of the file, ETag its revision.
// Nothing is sent to an address that `policy` does not grant the node, and no redirect is followed.
// `client` must dial through policy.CheckAddress.
boost::asio::awaitable<Result<ModelHeader>> ReadNodeHeader(
    net::HttpClient& client, const NodeAddressPolicy& policy, NodeEndpoint node, Source source,
    std::string token, net::Deadline deadline, std::string known_revision = "");

}  // namespace headroom::sources
