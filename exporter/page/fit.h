// "Will it fit?": the shared verdict for a model that somebody asks about, on this node as it is
// now. A question only: nothing is claimed, reserved or kept.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/verdict.h"
#include "net/http.h"
#include "sources/header_source.h"

namespace headroom::exporter {

// A header made small by the page (gguf.js) is far below this, whatever the vocabulary.
inline constexpr size_t kMaxFitBody = 1 << 20;

struct FitSources {
  // This node as it is now with what runs on it. Errors: no sample.
  std::function<Result<estimator::Candidate>()> node;
  // Header of an https:// or hf:// source, by the allow-list and under a deadline.
  std::function<boost::asio::awaitable<Result<sources::ModelHeader>>(sources::Source)> read;
};

// GET /v1/fit?source=SOURCE, or POST with a GGUF header as the body and ?file_bytes=N&name=NAME.
// Further query fields: context, parallel, cache_type_k, cache_type_v,
// prompt_cache_mib. Answers 200 with FitJson(),
// 400 for a field that cannot be read, 422 for a header that cannot.
boost::asio::awaitable<net::HttpResponse> HandleFit(FitSources sources, net::HttpRequest request);

// The serving options that a query asks for. Errors name the field.
Result<estimator::ServingOptions> FitServing(const net::Target& target);

// Pure. {"allowed", "summary", "text", "warnings", "verdict", "largestContext"}: the text is what
// admission would print, largestContext is null when not even the smallest fits.
Json FitJson(const sources::ModelHeader& header, const std::string& name,
             estimator::ServingOptions serving, estimator::Candidate node, WallTime now);

}  // namespace headroom::exporter
