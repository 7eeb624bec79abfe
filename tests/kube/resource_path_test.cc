#include <gtest/gtest.h>

#include "kube/client.h"

namespace headroom::kube {
namespace {

TEST(ResourcePath, FollowsTheApisLayout) {
  const ResourceType& model = TypeOf(Kind::kModel);
  const ResourceType& node = TypeOf(Kind::kNode);
  EXPECT_EQ(ResourcePath(node, "", ""), "/api/v1/nodes");
  EXPECT_EQ(ResourcePath(node, "", "mac-1", "status"), "/api/v1/nodes/mac-1/status");
  EXPECT_EQ(ResourcePath(model, "", ""), "/apis/inference.llmkube.dev/v1alpha1/models");
  EXPECT_EQ(ResourcePath(model, "team-a", "llama"),
            "/apis/inference.llmkube.dev/v1alpha1/namespaces/team-a/models/llama");
  EXPECT_EQ(ResourcePath(kLeaseType, "kube-node-lease", "mac-1"),
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/mac-1");
  EXPECT_EQ(ResourcePath(node, "", "../secrets"), "/api/v1/nodes/..%2Fsecrets");
}

}  // namespace
}  // namespace headroom::kube
