#include "exporter/metrics/runtime_pages.h"

#include <algorithm>

#include "common/log.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

net::HttpClientOptions ClientOptions(const RuntimePagesOptions& options) {
  net::HttpClientOptions client;
  client.max_body_bytes = options.max_page_bytes;
  return client;
}

asio::awaitable<void> Idle() {
  for (;;) co_await net::SleepFor(std::chrono::hours(24));
}

Result<std::vector<ForeignFamily>> Read(const RuntimeTarget& target,
                                        const Result<net::HttpResponse>& response) {
  if (!response) return response.error();
  if (response->status == 401) {
    return Error(Code::kUnauthorized,
                 "/metrics: HTTP 401: the server takes no key that the exporter knows; it knows "
                 "those of --api-key and --api-key-file in extraArgs");
  }
  if (response->status != 200) {
    return Error(Code::kUnavailable, "/metrics: HTTP " + std::to_string(response->status));
  }
  return ParseExposition(response->body, {{"namespace", target.ns}, {"name", target.name}});
}

}  // namespace

RuntimePages::RuntimePages(asio::any_io_executor executor, RuntimePagesOptions options)
    : options_(options),
      http_(executor, ClientOptions(options)),
      tasks_(executor, net::TaskGroup::Mode::kIndependent) {}

asio::awaitable<void> RuntimePages::Run() {
  tasks_.Spawn(Idle());  // an empty group would be joined at once
  co_await tasks_.Join();
}

asio::awaitable<void> RuntimePages::Refresh(std::vector<RuntimeTarget> targets) {
  std::erase_if(pages_, [&targets](const auto& known) {
    return std::none_of(targets.begin(), targets.end(),
                        [&known](const auto& target) { return target.pid == known.first; });
  });
  const net::Deadline deadline = net::After(options_.patience);
  for (const RuntimeTarget& target : targets) {
    Page& page = pages_[target.pid];
    page.series.ns = target.ns;
    page.series.name = target.name;
    if (!std::exchange(page.asked, true)) tasks_.Spawn(Ask(target));
  }
  const auto waiting = [this] {
    return std::any_of(pages_.begin(), pages_.end(),
                       [](const auto& page) { return page.second.asked && !page.second.slow; });
  };
  while (waiting()) {
    if (!co_await answered_.Wait(deadline)) break;
  }
  for (auto& [pid, page] : pages_) page.slow = page.slow || page.asked;
}

asio::awaitable<void> RuntimePages::Ask(RuntimeTarget target) {
  net::Url url;
  url.scheme = "http";
  url.host = target.host;
  url.port = target.port;
  url.target = "/metrics";
  // A kept connection would occupy one of the server's request threads.
  net::HttpRequest request{"GET", "/metrics", {{"Connection", "close"}}, ""};
  if (!target.api_key.empty()) request.headers.Add("Authorization", "Bearer " + target.api_key);
  const SteadyTime begin = std::chrono::steady_clock::now();
  const auto response =
      co_await http_.Fetch(std::move(url), std::move(request), net::After(options_.timeout));
  Take(target, response, std::chrono::steady_clock::now() - begin);
  answered_.Notify();
}

void RuntimePages::Take(const RuntimeTarget& target, const Result<net::HttpResponse>& response,
                        std::chrono::steady_clock::duration took) {
  const auto known = pages_.find(target.pid);
  if (known == pages_.end()) return;  // it ended meanwhile
  Page& page = known->second;
  page.asked = false;
  page.slow = took > options_.patience;
  page.series.duration = std::chrono::duration<double>(took).count();
  auto families = Read(target, response);
  page.series.success = families.has_value();
  page.series.families.clear();
  if (families) {
    page.series.families = std::move(*families);
    page.series.taken_at = std::chrono::system_clock::now();
  }
  const std::string problem = families ? "" : families.error().message();
  if (problem != page.problem && !problem.empty()) {
    LogWarn("a model server's metrics cannot be read",
            {{"model", target.ns + "/" + target.name}, {"error", problem}});
  }
  page.problem = problem;
}

std::vector<RuntimeSeries> RuntimePages::Series() const {
  std::vector<RuntimeSeries> series;
  for (const auto& [pid, page] : pages_) series.push_back(page.series);
  return series;
}

}  // namespace headroom::exporter
