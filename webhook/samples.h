// What the webhook's parts say of themselves at a scrape.
#pragma once

#include <vector>

#include "net/http_server.h"
#include "net/tls.h"
#include "webhook/certs/trust.h"
#include "webhook/feeds.h"
#include "webhook/header_cache.h"
#include "webhook/metrics.h"
#include "webhook/service.h"
#include "webhook/view.h"

namespace headroom::webhook {

struct SampleSources {
  const View& view;
  const HeaderCache& headers;
  const Feeds& feeds;
  const Service& service;
  const net::HttpServer* server;  // null before it listens
  const net::TlsServer* tls;      // null without TLS
  const Trust* trust;             // null without a configuration to look at
};

std::vector<Sample> CollectSamples(const SampleSources& sources);

}  // namespace headroom::webhook
