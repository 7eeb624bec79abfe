// Latency of one admission: admission_once URL REVIEW.json [CA.pem] [rounds]. Sends the review
// again and again over one kept connection to a running headroom-webhook and prints p50, p99 and
// the worst. The review should be a dry run, so that it does not reserve what the next one asks
// for.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/files.h"
#include "net/http_client.h"

namespace {

namespace asio = boost::asio;
using namespace headroom;
using Clock = std::chrono::steady_clock;

struct Run {
  net::Url url;
  std::string review;
  int rounds = 2000;
  std::vector<double> microseconds;
  int status = 0;
  std::string error, last_body;
};

asio::awaitable<void> Measure(net::HttpClient& client, Run& run) {
  const int warm_up = run.rounds / 10 + 1;
  for (int i = 0; i < run.rounds + warm_up; ++i) {
    net::HttpRequest request{
        "POST", run.url.target, {{"Content-Type", "application/json"}}, run.review};
    net::Url url = run.url;
    const auto start = Clock::now();
    auto response = co_await client.Fetch(std::move(url), std::move(request),
                                          net::After(std::chrono::seconds(10)));
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    if (!response) {
      run.error = response.error().message();
      co_return;
    }
    run.status = response->status;
    run.last_body = std::move(response->body);
    if (i >= warm_up) run.microseconds.push_back(took.count());
  }
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "admission_once: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return Fail("usage: admission_once URL REVIEW.json [CA.pem|-] [rounds]");
  Run run;
  const auto url = net::ParseUrl(argv[1]);
  const auto review = ReadFile(argv[2]);
  if (!url) return Fail(url.error().message());
  if (!review) return Fail(review.error().message());
  run.url = *url;
  run.review = *review;
  if (argc > 4) run.rounds = std::max(1, std::atoi(argv[4]));
  net::HttpClientOptions options;
  if (argc > 3 && std::string(argv[3]) != "-") {
    const auto ca = ReadFile(argv[3]);
    if (!ca) return Fail(ca.error().message());
    auto tls = net::MakeClientContext({.ca_pem = *ca, .certificate_pem = "", .key_pem = ""});
    if (!tls) return Fail(tls.error().message());
    options.tls = *tls;
  }
  asio::io_context io(1);
  net::HttpClient client(io.get_executor(), std::move(options));
  asio::co_spawn(io, Measure(client, run), asio::detached);
  io.run();
  if (!run.error.empty()) return Fail(run.error);
  std::sort(run.microseconds.begin(), run.microseconds.end());
  const auto at = [&](double share) {
    return run.microseconds[static_cast<size_t>(share *
                                                static_cast<double>(run.microseconds.size() - 1))];
  };
  std::printf("HTTP %d, %zu requests: p50 %.0f us, p99 %.0f us, worst %.0f us\n", run.status,
              run.microseconds.size(), at(0.5), at(0.99), at(1.0));
  return 0;
}
