#include "cli/wait.h"

#include <algorithm>
#include <thread>

#include "cli/fleet/reader.h"
#include "cli/manifest_folder.h"
#include "cli/view/view.h"
#include "common/ascii.h"

namespace headroom::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{500};
constexpr milliseconds kNoticed{2'500};  // the exporter looks at its manifests every second

// As apply prints it: "model default/llama".
std::string NameOf(const Awaited& model) {
  return AsciiLower(model.kind) + " " + model.ns + "/" + model.name;
}

std::string Describe(const ModelState& state) {
  const std::string reason = state.message.empty() ? "" : ": " + state.message;
  return state.phase + reason;
}

ProgressState ProgressOf(const Awaited& model, const ModelState* state) {
  ProgressState out{NameOf(model), std::nullopt, state != nullptr ? state->phase : "not seen yet"};
  if (state != nullptr && state->download_percent) {
    out.fraction = static_cast<double>(*state->download_percent) / 100;
  }
  return out;
}

}  // namespace

bool IsServed(const Json& object) {
  return StringOr(object, {"kind"}) != "Model" || object.Find({"spec", "serving"}) != nullptr;
}

Waiting::Waiting(std::vector<Awaited> models, SteadyTime now, milliseconds timeout)
    : models_(std::move(models)), started_(now), deadline_(now + timeout) {}

Waiting::Step Waiting::Look(const Json& models, SteadyTime now) {
  const std::vector<ModelState> states = StatesOf(models);
  Step step;
  for (auto model = models_.begin(); model != models_.end();) {
    const auto state = std::find_if(states.begin(), states.end(), [&](const ModelState& one) {
      return one.kind == model->kind && one.ns == model->ns && one.name == model->name;
    });
    const bool known = state != states.end() && (!model->changed || now - started_ >= kNoticed);
    if (known && state->phase == "ready") {
      step.served.push_back(NameOf(*model) + " serves at " + state->endpoint);
      model = models_.erase(model);
      continue;
    }
    const bool late = now >= deadline_;
    if ((known && state->phase == "failed") || (late && !step.failed)) {
      step.failed =
          Error(late ? Code::kTimeout : Code::kUnavailable,
                NameOf(*model) + (late ? " does not serve yet" : " will not serve") +
                    (known ? ": " + Describe(*state) : ": the exporter does not know it"));
    }
    if (!step.next) step.next = ProgressOf(*model, known ? &*state : nullptr);
    ++model;
  }
  return step;
}

int WaitUntilServed(Streams streams, const std::string& exporter, std::vector<Awaited> models,
                    milliseconds timeout) {
  if (models.empty()) return kDone;
  Waiting waiting(std::move(models), std::chrono::steady_clock::now(), timeout);
  while (true) {
    const auto answer = GetJson(exporter, "/v1/models");
    const auto now = std::chrono::steady_clock::now();
    const auto step = answer ? waiting.Look(*answer, now) : Waiting::Step{};
    const bool over = !answer || step.failed || !step.next;
    if (streams.progress != nullptr && (over || !step.served.empty())) streams.progress->Clear();
    for (const std::string& line : step.served) streams.out << line << std::endl;
    if (!answer) return Fail(streams, answer.error().Within("--wait: exporter " + exporter));
    if (step.failed) return Fail(streams, *step.failed);
    if (!step.next) return kDone;
    if (streams.progress != nullptr) streams.progress->Show(*step.next, now);
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace headroom::cli
