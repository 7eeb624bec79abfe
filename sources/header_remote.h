// More of a remote header than ReadRemoteHeader() (header_source.h) gives; the same rules hold.
#pragma once

#include <functional>
#include <vector>

#include "sources/header_feed.h"
#include "sources/header_source.h"

namespace headroom::sources {

// Told now and then how many bytes have come so far, of all parts.
using OnReceived = std::function<void(uint64_t bytes)>;

// The headers themselves, in order; only the first keeps its metadata.
boost::asio::awaitable<Result<std::vector<HeaderPart>>> ReadRemoteParts(
    net::HttpClient& client, const AddressPolicy& policy, Source source, std::string bearer,
    net::Deadline deadline, OnReceived on_received = {});

// As ReadRemoteHeader(), but where the deadline cuts the transfer after the hyper-parameters (the
// first 64 KiB are enough) the model is an upper bound: model.bound is set. Do not cache that.
boost::asio::awaitable<Result<ModelHeader>> ReadRemoteHeaderOrBound(
    net::HttpClient& client, const AddressPolicy& policy, Source source, std::string bearer,
    net::Deadline deadline, OnReceived on_received = {});

}  // namespace headroom::sources
