#include "webhook/certs/self_managed.h"

#include <unistd.h>

#include <random>

#include "common/log.h"
#include "net/task_group.h"
#include "webhook/certs/secret.h"

namespace headroom::webhook {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kFieldManager = "headroom-webhook-certs";
constexpr std::chrono::milliseconds kRetry{5'000};  // after a write that failed

// A Pod's host name is its name; the random part tells two processes of one host apart.
std::string Identity() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return std::string(host) + "_" + std::to_string(std::random_device{}());
}

}  // namespace

Result<net::TlsPair> MakePlaceholder(WallTime now) {
  auto pair = certs::MakeCa("headroom-webhook has no certificate yet", now, std::chrono::hours(24));
  if (!pair) return pair.error();
  return net::TlsPair{std::move(pair->certificate_pem), std::move(pair->key_pem)};
}

SelfManaged::SelfManaged(asio::any_io_executor executor, kube::ApiClient& client,
                         net::TlsServer& tls, Trust& trust, Settings settings)
    : executor_(std::move(executor)),
      client_(client),
      tls_(tls),
      trust_(trust),
      settings_(std::move(settings)),
      rotation_(settings_.policy),
      leader_(client, settings_.ns, settings_.secret, Identity()) {}

void SelfManaged::Wake() {
  look_ = true;
  changed_.Notify();
}

asio::awaitable<void> SelfManaged::Run() {
  net::TaskGroup group(executor_);
  std::function<void()> on_trust = [this] {
    Adopt();
    Wake();
  };
  std::function<void()> on_leader = [this] { Wake(); };
  group.Spawn(trust_.Run(std::move(on_trust)));
  group.Spawn(leader_.Run(std::move(on_leader)));
  group.Spawn(FollowSecret());
  group.Spawn(LookAgainAndAgain());
  co_await group.Join();
}

asio::awaitable<void> SelfManaged::HandOver() {
  if (leader_.leads()) co_await leader_.Release();
}

asio::awaitable<void> SelfManaged::FollowSecret() {
  kube::ObjectSink sink = [this](kube::ObjectEvent event) {
    using Type = kube::ObjectEvent::Type;
    if (event.type == Type::kUpsert) secret_ = std::move(event.object);
    if (event.type == Type::kDelete) secret_.reset();
    Adopt();
    Wake();
  };
  co_await kube::RunReflector(client_, kube::kSecretType, std::move(sink), secret_status_,
                              kube::kReflectorBackoff, {settings_.ns, settings_.secret});
}

// Never changes from a certificate that the API server accepts to one that it does not.
void SelfManaged::Adopt() {
  if (!secret_) return;
  certs::Material material = MaterialOf(*secret_);
  if (material.leaf_pem.empty() || material.leaf_pem == tls_.chain_pem()) return;
  const auto tell = [&](const Error& error) {
    if (std::exchange(refused_, material.leaf_pem) == material.leaf_pem) return;
    LogWarn("the Secret's certificate is not used",
            {{"secret", settings_.ns + "/" + settings_.secret}, {"error", error}});
  };
  if (const auto chain = trust_.Check(material.leaf_pem); !chain && trust_.Check()) {
    return tell(chain.error());
  }
  const auto taken = tls_.Replace({material.leaf_pem, material.leaf_key_pem});
  if (!taken) return tell(taken.error());
  has_certificate_ = true;
  LogInfo("new server certificate", {{"not_after", FormatRfc3339(tls_.not_after())}});
}

asio::awaitable<void> SelfManaged::LookAgainAndAgain() {
  std::string last_problem;
  for (;;) {
    look_ = false;
    const auto looked = co_await Look();
    std::string problem = looked ? "" : looked.error().message();
    if (!problem.empty() && problem != last_problem) {
      LogWarn("cannot renew the certificates", {{"error", problem}});
    }
    last_problem = std::move(problem);
    if (!look_) co_await changed_.Wait(net::After(looked ? settings_.check_interval : kRetry));
  }
}

asio::awaitable<Result<void>> SelfManaged::Look() {
  if (!leader_.leads() || !secret_) co_return Result<void>();
  std::vector<std::string> live;
  if (trust_.live()) {
    for (const WebhookEntry& entry : trust_.live()->entries) live.push_back(entry.ca_bundle);
  }
  auto step = rotation_.Decide(MaterialOf(*secret_), live, client_.ServerTime());
  if (!step) co_return step.error();
  using Do = certs::RotationStep::Do;
  if (step->action == Do::kNothing) co_return Result<void>();
  LogInfo(step->action == Do::kStore ? "writing the certificates' Secret" : "publishing the CA",
          {{"reason", step->reason}});
  if (step->action == Do::kStore) co_return co_await Store(std::move(step->material));
  co_return co_await Publish(std::move(step->material.ca_pem));
}

asio::awaitable<Result<void>> SelfManaged::Store(certs::Material material) {
  Json object = WithMaterial(*secret_, material);
  const auto written = co_await client_.Update(
      kube::ResourcePath(kube::kSecretType, settings_.ns, settings_.secret), std::move(object));
  // The object carries the resourceVersion we read: who was faster wins, and we see that soon.
  if (written || written.error().code() == Code::kConflict) co_return Result<void>();
  co_return written.error().Within("update secret " + settings_.ns + "/" + settings_.secret);
}

asio::awaitable<Result<void>> SelfManaged::Publish(std::string ca_bundle) {
  const std::string name = trust_.live()->name;
  Json patch = CaBundlePatch(*trust_.live(), ca_bundle);
  const auto written = co_await client_.Apply(
      kube::ResourcePath(kube::kValidatingWebhookType, "", name), std::move(patch), kFieldManager);
  if (written) co_return Result<void>();
  co_return written.error().Within("patch validatingwebhookconfiguration " + name);
}

std::string SelfManaged::Missing() const {
  if (has_certificate_) return "";
  const std::string subject = "secret " + settings_.ns + "/" + settings_.secret;
  if (!secret_status_.last_error.empty()) {
    return subject + " cannot be read: " + secret_status_.last_error;
  }
  if (!secret_status_.synced) return subject + " has not been read yet";
  if (!secret_) return subject + " does not exist: create it empty";
  return subject + " holds no certificate yet: the leading replica writes it";
}

}  // namespace headroom::webhook
