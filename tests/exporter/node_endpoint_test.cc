#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/node/endpoint_publisher.h"
#include "tests/kube/api_fixture.h"

namespace headroom::exporter {
namespace {

using kube::FakeRequest;
using kube::JsonReply;
using kube::StatusReply;
using ::testing::HasSubstr;

using To = EndpointChange::To;

EndpointChange Change(To to) {
  EndpointChange change;
  change.object.name = "llama-3.1";
  change.object.ns = "team-a";
  change.object.uid = "u-1";
  change.host = "10.0.0.5";
  change.port = 19900;
  change.to = to;
  return change;
}

TEST(EndpointDocument, FollowsLlmkubesContract) {
  const auto name = EndpointName("llama-3.1");
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "llama-3-1");
  const Json service = ServiceDocument(*name, Change(To::kReady));
  EXPECT_TRUE(IsManagedEndpoint(service));
  EXPECT_EQ(StringOr(service, {"metadata", "labels", "llmkube.ai/inference-service"}), *name);
  EXPECT_EQ(StringOr(service, {"metadata", "annotations", "llmkube.ai/native-process"}), "true");
  const Json& port = service.Find({"spec", "ports"})->AsArray()->front();
  EXPECT_EQ(IntOr(port, {"port"}, 0), 8080);
  EXPECT_EQ(IntOr(port, {"targetPort"}, 0), 19900);
  EXPECT_EQ(service.Find({"spec", "selector"}), nullptr);

  const WallTime now = *ParseRfc3339("2026-01-02T03:04:05Z");
  const auto slice = EndpointSliceDocument(*name, Change(To::kReady), "mac-1", now);
  ASSERT_TRUE(slice);
  EXPECT_EQ(StringOr(*slice, {"addressType"}), "IPv4");
  EXPECT_EQ(StringOr(*slice, {"metadata", "labels", "kubernetes.io/service-name"}), *name);
  EXPECT_EQ(StringOr(*slice, {"metadata", "annotations", "llmkube.ai/agent-heartbeat"}),
            "2026-01-02T03:04:05Z");
  const Json& endpoint = slice->Find("endpoints")->AsArray()->front();
  EXPECT_EQ(*endpoint.Find("addresses")->AsArray()->front().AsString(), "10.0.0.5");
  EXPECT_TRUE(BoolOr(endpoint, {"conditions", "ready"}, false));
  EXPECT_EQ(StringOr(endpoint, {"targetRef", "name"}), "llama-3-1-metal");
  const Json& owner = slice->Find({"metadata", "ownerReferences"})->AsArray()->front();
  EXPECT_EQ(StringOr(owner, {"uid"}), "u-1");
}

TEST(EndpointDocument, RefusesWhatTheApiWouldRefuse) {
  for (const char* host :
       {"", "127.0.0.1", "localhost", "mac-1.local", "::1", "0.0.0.0", "169.254.1.1", "fe80::1"}) {
    EndpointChange change = Change(To::kReady);
    change.host = host;
    EXPECT_FALSE(EndpointSliceDocument("x", change, "mac-1", WallTime{})) << host;
  }
  EXPECT_FALSE(EndpointName("3b"));
  EXPECT_FALSE(EndpointName(std::string(64, 'a')));
}

class Endpoints : public kube::ApiTest {
 protected:
  // Methods and last path parts of all requests: "GET llama-3-1; POST services; ...".
  std::string Requests() const {
    std::string out;
    for (const FakeRequest& request : api_.requests()) {
      const size_t tail = request.target.rfind('/', request.target.rfind('/') - 1);
      out += request.method + " " + request.target.substr(tail + 1) + "; ";
    }
    return out;
  }
  static Json Legacy() {
    return *ParseJson(R"({"metadata": {"labels": {"llmkube.ai/managed-by": "metal-agent"}}})");
  }
  Json Managed() const { return ServiceDocument("llama-3-1", Change(To::kReady)); }
};

TEST_F(Endpoints, MakesBothWhereNoneIs) {
  api_.OnRequest([](const FakeRequest& request) {
    return request.method == "GET" ? StatusReply(404, "no") : JsonReply(201, Json::MakeObject());
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kReady)));
  EXPECT_EQ(Requests(),
            "GET services/llama-3-1; POST team-a/services; GET endpointslices/llama-3-1; "
            "POST team-a/endpointslices; GET endpoints/llama-3-1; ");
  Run(publisher.Apply(Change(To::kReady)));
  EXPECT_EQ(api_.requests().back().target.find("/endpoints/"), std::string::npos)
      << "what LLMKube's agent may have left is looked for once";
}

TEST_F(Endpoints, RemoveTheEndpointsThatLlmkubesAgentLeft) {
  for (const bool managed : {true, false}) {
    const size_t before = api_.requests().size();
    api_.OnRequest([&](const FakeRequest& request) {
      if (request.target.find("/endpoints/") == std::string::npos) return JsonReply(200, Managed());
      return JsonReply(200, managed ? Legacy() : Json::MakeObject());
    });
    EndpointPublisher publisher(*client_, "mac-1");
    Run(publisher.Apply(Change(To::kReady)));
    const bool removed = api_.requests().back().method == "DELETE";
    EXPECT_EQ(removed, managed);
    EXPECT_EQ(api_.requests().size() - before, managed ? 6u : 5u);
  }
}

TEST_F(Endpoints, ARightThatIsMissingForThatIsNoFault) {
  api_.OnRequest([this](const FakeRequest& request) {
    const bool legacy = request.target.find("/endpoints/") != std::string::npos;
    return legacy ? StatusReply(403, "may not") : JsonReply(200, Managed());
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kReady)));
  EXPECT_THAT(Requests(), HasSubstr("PATCH endpointslices/llama-3-1; GET endpoints/llama-3-1; "));
}

TEST_F(Endpoints, LeavesAnothersServiceAlone) {
  api_.OnRequest([](const FakeRequest&) { return JsonReply(200, Json::MakeObject()); });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kReady)));
  EXPECT_EQ(Requests(), "GET services/llama-3-1; ");
}

TEST_F(Endpoints, AWithdrawnOneStaysNotReadyWhileItsObjectExists) {
  api_.OnRequest([this](const FakeRequest&) {
    Json object = Managed();
    object.Make({"metadata"}).Set("uid", "u-1");
    return JsonReply(200, object);
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kNotReady)));
  EXPECT_EQ(Requests(),
            "GET models/llama-3.1; GET services/llama-3-1; PATCH services/llama-3-1; "
            "GET endpointslices/llama-3-1; PATCH endpointslices/llama-3-1; "
            "GET endpoints/llama-3-1; ");
  EXPECT_THAT(api_.requests()[4].body, HasSubstr("\"ready\":false"));
}

TEST_F(Endpoints, GoWhenTheModelIsNotServedAnyMore) {
  api_.OnRequest([this](const FakeRequest& request) {
    if (request.target.find("/endpoints/") != std::string::npos) return StatusReply(404, "none");
    Json object = Managed();
    object.Make({"metadata"}).Set("uid", "u-1");
    return JsonReply(200, object);
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kRemoved)));
  EXPECT_EQ(Requests(),
            "GET models/llama-3.1; GET endpointslices/llama-3-1; "
            "DELETE endpointslices/llama-3-1; GET services/llama-3-1; DELETE services/llama-3-1; "
            "GET endpoints/llama-3-1; ");
}

TEST_F(Endpoints, OfAnotherObjectOfThatNameStay) {
  api_.OnRequest([this](const FakeRequest& request) {
    Json object = Managed();  // of u-1
    object.Make({"metadata"}).Set("uid", "u-2");
    const bool legacy = request.target.find("/endpoints/") != std::string::npos;
    return legacy ? StatusReply(404, "none") : JsonReply(200, object);
  });
  EndpointPublisher publisher(*client_, "mac-1");
  EndpointChange change = Change(To::kRemoved);
  change.object.uid = "u-2";
  Run(publisher.Apply(change));
  EXPECT_EQ(Requests().find("DELETE"), std::string::npos) << Requests();
}

TEST_F(Endpoints, ARemovalThatFailedIsTriedAgain) {
  int refusals = 2;
  bool removed = false;
  api_.OnRequest([&](const FakeRequest& request) {
    if (request.target.find("/models/") != std::string::npos && refusals-- > 0) {
      return StatusReply(500, "away");
    }
    removed = removed || request.method == "DELETE";
    Json object = Managed();
    object.Make({"metadata"}).Set("uid", "u-1");
    return JsonReply(200, object);
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kRemoved)));
  EXPECT_FALSE(removed) << "whose it is was not known";
  tasks_.Spawn(publisher.Run(std::chrono::milliseconds(1)));
  RunUntil([&] { return removed; });
  tasks_.Cancel();
  Run(tasks_.Join());
}

TEST_F(Endpoints, GoWithTheirObject) {
  api_.OnRequest([this](const FakeRequest& request) {
    const bool model = request.target.find("/models/") != std::string::npos;
    return model ? StatusReply(404, "gone") : JsonReply(200, Managed());
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kNotReady)));
  EXPECT_EQ(Requests(),
            "GET models/llama-3.1; GET endpointslices/llama-3-1; "
            "DELETE endpointslices/llama-3-1; GET services/llama-3-1; DELETE services/llama-3-1; "
            "GET endpoints/llama-3-1; ");
}

TEST(EndpointPublisher, DecidesWhatBecomesOfAWithdrawnEndpoint) {
  using Fate = EndpointPublisher::Fate;
  struct Case {
    const char* object;
    Fate expected;
  } const cases[] = {
      {R"({"metadata": {"uid": "u-1"}})", Fate::kKept},
      {R"({"metadata": {"uid": "u-2"}})", Fate::kGone},
      {R"({"metadata": {"uid": "u-1", "deletionTimestamp": "2026-01-02T03:04:05Z"}})", Fate::kGone},
      {R"({"metadata": {"uid": "u-1", "annotations": {"headroom.dev/claimed-by": "mac-1"}}})",
       Fate::kKept},
      {R"({"metadata": {"uid": "u-1", "annotations": {"headroom.dev/claimed-by": "mac-2"}}})",
       Fate::kElsewhere},
      {R"({"metadata": {"uid": "u-2", "annotations": {"headroom.dev/claimed-by": "mac-2"}}})",
       Fate::kGone},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(EndpointPublisher::DecideFate(*ParseJson(c.object), "u-1", "mac-1"), c.expected)
        << c.object;
  }
}

TEST_F(Endpoints, AreLeftToTheNodeThatHoldsTheModelNow) {
  api_.OnRequest([](const FakeRequest&) {
    Json object = Json::MakeObject();
    object.Make({"metadata"}).Set("uid", "u-1");
    object.Make({"metadata", "annotations"}).Set(kube::kClaimedByAnnotation, "mac-2");
    return JsonReply(200, object);
  });
  for (const To to : {To::kNotReady, To::kRemoved}) {
    EndpointPublisher publisher(*client_, "mac-1");
    Run(publisher.Apply(Change(to)));
  }
  EXPECT_EQ(Requests(), "GET models/llama-3.1; GET models/llama-3.1; ");
}

TEST_F(Endpoints, OfADeadNodeTakeNoMoreTraffic) {
  api_.OnRequest([this](const FakeRequest& request) {
    const bool model = request.target.find("/models/") != std::string::npos;
    Json object = model ? Json::MakeObject() : Managed();
    object.Make({"metadata"}).Set("uid", "u-1");
    return JsonReply(200, object);
  });
  EndpointPublisher publisher(*client_, "mac-1");
  EndpointChange change = Change(To::kNotReady);
  change.port = 0;
  Run(publisher.Apply(change));
  EXPECT_EQ(Requests(),
            "GET models/llama-3.1; GET endpointslices/llama-3-1; "
            "DELETE endpointslices/llama-3-1; ");
}

TEST_F(Endpoints, ASlowWithdrawalDoesNotOvertakeALaterPublish) {
  EndpointPublisher publisher(*client_, "mac-1");
  bool published = false;
  api_.OnRequest([&](const FakeRequest& request) {
    if (request.target.find("/models/") == std::string::npos) return JsonReply(200, Managed());
    if (!std::exchange(published, true)) tasks_.Spawn(publisher.Apply(Change(To::kReady)));
    Json object = Json::MakeObject();
    object.Make({"metadata"}).Set("uid", "u-1");
    return JsonReply(200, object);
  });
  Run(publisher.Apply(Change(To::kNotReady)));
  Run(tasks_.Join());
  bool ready = false;
  for (const FakeRequest& request : api_.requests()) {
    EXPECT_EQ(request.body.find("\"ready\":false"), std::string::npos);
    ready = ready || request.body.find("\"ready\":true") != std::string::npos;
  }
  EXPECT_TRUE(ready);
}

TEST_F(Endpoints, HeartbeatsGoOn) {
  api_.OnRequest([](const FakeRequest& request) {
    return request.method == "GET" ? StatusReply(404, "no") : JsonReply(201, Json::MakeObject());
  });
  EndpointPublisher publisher(*client_, "mac-1");
  Run(publisher.Apply(Change(To::kReady)));
  tasks_.Spawn(publisher.Run(std::chrono::milliseconds(1)));
  RunUntil([this] { return api_.requests().size() >= 12; });
  tasks_.Cancel();
  Run(tasks_.Join());
}

}  // namespace
}  // namespace headroom::exporter
