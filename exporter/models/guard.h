// Guard: a small process beside the exporter (`headroom-exporter --guard FOLDER`) that outlives it.
// When the exporter was killed and stays away, or hangs, nobody renews this node's Lease, and other
// nodes take its models over: the guard ends those before that. What is bound to this node by name
// goes on. It knows what it needs from two files in the state folder: models.json, and how long the
// Lease is good for. It ends with the last model that it has to watch, once its exporter is gone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/time.h"
#include "net/process.h"

namespace headroom::exporter {

// Until when nobody else may run what this node claimed: steady time, which all processes since the
// same start of the machine share.
std::string EncodeDeadline(SteadyTime deadline);
std::optional<SteadyTime> DecodeDeadline(std::string_view text);
Result<void> SaveDeadline(const std::string& folder, SteadyTime deadline);

// The guard itself; returns its exit code.
int RunGuard(const std::string& folder);

// The exporter's side: starts the guard and starts it again should it end.
boost::asio::awaitable<void> KeepGuard(net::Reaper& reaper, std::string executable,
                                       std::string folder);

}  // namespace headroom::exporter
