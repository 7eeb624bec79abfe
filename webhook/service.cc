#include "webhook/service.h"

#include <algorithm>
#include <optional>

#include "common/flags.h"
#include "common/log.h"
#include "webhook/access_log.h"
#include "webhook/adopt.h"
#include "webhook/page/page.h"
#include "webhook/scope.h"

namespace headroom::webhook {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kDefaultTimeout{10'000};  // the API server's
constexpr milliseconds kMargin{1'000};
constexpr milliseconds kLongest{8'000};  // a person waits for kubectl
// A review leads to more headers when the first are known (projector, occupants); this many rounds
// are plenty, and a bound keeps a mistake from looping.
constexpr int kMaxRounds = 8;

class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  size_t& count_;
};

Phases AllFromNow() {
  const auto now = std::chrono::steady_clock::now();
  return {now, now, now};
}

net::HttpResponse NoDecision(int status, std::string_view text) {
  net::HttpResponse response = net::TextResponse(status, text);
  if (status == 503) response.headers.Set("Retry-After", "1");
  return response;
}

void LogDecision(const Review& review, const Decision& decision, double seconds) {
  const LogLevel level =
      decision.outcome == Decision::Outcome::kPassed ? LogLevel::kDebug : LogLevel::kInfo;
  if (!IsLogged(level)) return;
  const std::string name = review.name.empty()
                               ? StringOr(review.object, {"metadata", "generateName"}) + "*"
                               : review.name;
  Log(level, "admission",
      {{"result", ToString(decision.outcome)},
       {"rule", decision.rule},
       {"operation", review.operation},
       {"kind", review.kind},
       {"object", review.ns + "/" + name},
       {"user", review.user},
       {"dry_run", review.dry_run},
       {"seconds", seconds},
       {"uid", review.uid},
       {"detail", decision.Detail()}});
}

}  // namespace

milliseconds AnswerTime(std::string_view timeout) {
  const auto parsed = ParseDuration(timeout);
  const milliseconds given = parsed && *parsed > milliseconds(0)
                                 ? std::min(*parsed, milliseconds(30'000))
                                 : kDefaultTimeout;
  // Of a timeout below two seconds the margin may take no more than half.
  return std::min(std::max(given - kMargin, given / 2), kLongest);
}

asio::awaitable<net::HttpResponse> Service::Handle(const net::HttpRequest& request,
                                                   const net::RequestContext& context) {
  const auto target = net::ParseTarget(request.target);
  if (!target) co_return net::TextResponse(400, "malformed request target");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (target->path == "/validate") {
    if (request.method != "POST") co_return net::TextResponse(405, "expected POST /validate");
    auto response = co_await Validate(request, context, target->Get("timeout"));
    co_return response;
  }
  if (!reads) co_return net::TextResponse(405, "expected GET");
  if (target->path == "/healthz") co_return net::TextResponse(200, "ok");
  if (target->path == "/readyz") co_return Ready();
  if (target->path == "/metrics") co_return Expose();
  if (auto page = ShowPage(request, target->path, recent_)) co_return std::move(*page);
  co_return net::TextResponse(404, "not found; see /");
}

net::HttpResponse Service::Ready() const {
  if (draining_) return net::TextResponse(503, "shutting down");
  const std::string missing = parts_.missing();
  if (!missing.empty()) return net::TextResponse(503, missing);
  const std::string unreachable = parts_.unreachable();
  if (!unreachable.empty()) return net::TextResponse(503, unreachable);
  return net::TextResponse(200, "ok");
}

net::HttpResponse Service::Expose() const {
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = parts_.metrics.Expose(parts_.samples());
  return response;
}

Decision Service::JudgeNow(const Review& review, bool last) {
  const HeaderLookup lookup = [this, last](const HeaderNeed& need) {
    HeaderState state = parts_.headers.Find(need);
    using Kind = HeaderState::Kind;
    // Until the last round a fetch under way is worth waiting for, in the last one nothing is.
    if (!last && state.kind == Kind::kPending) state.kind = Kind::kMissing;
    if (last && state.kind == Kind::kMissing) state.kind = Kind::kPending;
    return state;
  };
  const WallTime now = std::chrono::system_clock::now();
  parts_.view.DropExpired(now);
  // Waiting for their headers too would let one slow source delay every review.
  for (const HeaderNeed& need : AdoptAdmissions(parts_.view, lookup, now)) {
    parts_.headers.Start(need);
  }
  return Judge(review, parts_.view, lookup, parts_.rules, now);
}

asio::awaitable<Decision> Service::Decide(const Review& review, net::Deadline deadline) {
  for (int round = 0; round < kMaxRounds; ++round) {
    if (std::chrono::steady_clock::now() >= deadline) break;
    Decision decision = JudgeNow(review, false);
    if (decision.needs.empty()) co_return decision;
    for (const HeaderNeed& need : decision.needs) parts_.headers.Start(need);
    for (const HeaderNeed& need : decision.needs) {
      co_await parts_.headers.WaitFor(need, deadline);
    }
  }
  co_return JudgeNow(review, true);
}

// How far a review got, for the access log.
struct Service::Handled {
  Phases phases;
  std::optional<Review> review;
  std::optional<Decision> decision;
};

asio::awaitable<net::HttpResponse> Service::Validate(const net::HttpRequest& request,
                                                     const net::RequestContext& context,
                                                     std::string timeout) {
  const auto start = std::chrono::steady_clock::now();
  Handled handled{{start, start, start}, {}, {}};
  net::HttpResponse response = co_await Answer(request, std::move(timeout), handled);
  if (parts_.access) {
    parts_.access(AccessLine(std::chrono::system_clock::now(), request, context, response.status,
                             handled.phases, handled.review ? &*handled.review : nullptr,
                             handled.decision ? &*handled.decision : nullptr));
  }
  co_return response;
}

asio::awaitable<net::HttpResponse> Service::Answer(const net::HttpRequest& request,
                                                   std::string timeout, Handled& handled) {
  const auto start = handled.phases.parsed;
  if (in_flight_ >= parts_.max_in_flight) {
    parts_.metrics.CountRefusal(Metrics::Refusal::kOverloaded);
    co_return NoDecision(503, "too many reviews at once");
  }
  const Counted counted(in_flight_);
  if (const std::string missing = parts_.missing(); !missing.empty()) {
    parts_.metrics.CountRefusal(Metrics::Refusal::kNotReady);
    co_return NoDecision(503, "not ready to decide: " + missing);
  }
  auto parsed = ParseReview(request.body);
  handled.phases = AllFromNow();
  if (!parsed) {
    parts_.metrics.CountRefusal(Metrics::Refusal::kMalformed);
    co_return NoDecision(400, "AdmissionReview: " + parsed.error().message());
  }
  const Review& review = handled.review.emplace(std::move(*parsed));
  handled.decision = co_await Decide(review, start + AnswerTime(timeout));
  const Decision& decision = *handled.decision;
  handled.phases.decided = handled.phases.encoded = std::chrono::steady_clock::now();
  if (!review.dry_run && decision.answer.allowed) {
    ExpectAdmitted(review, parts_.view, std::chrono::system_clock::now());
    for (const Reservation& reservation : decision.reservations) {
      parts_.view.Reserve(reservation, std::chrono::system_clock::now());
    }
  }
  const std::chrono::duration<double> took = handled.phases.decided - start;
  parts_.metrics.CountDecision(decision, took.count());
  LogDecision(review, decision, took.count());
  recent_.Note(review, decision, took.count(), std::chrono::system_clock::now());
  net::HttpResponse response = net::JsonResponse(200, EncodeResponse(review, decision.answer));
  handled.phases.encoded = std::chrono::steady_clock::now();
  co_return response;
}

}  // namespace headroom::webhook
