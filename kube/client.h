// Kubernetes API client: JSON over HTTPS with our HTTP client. One per process; not thread-safe.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/json.h"
#include "common/result.h"
#include "kube/config.h"
#include "kube/objects.h"
#include "net/async.h"

namespace headroom::kube {

// "/api/v1/nodes/NAME", "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME"; ns and name may be empty.
std::string ResourcePath(const ResourceType& type, std::string_view ns, std::string_view name,
                         std::string_view subresource = "");

class ApiClient {
 public:
  static Result<std::unique_ptr<ApiClient>> Make(boost::asio::any_io_executor executor,
                                                 Config config);
  ~ApiClient();

  // Errors carry the API server's message: kNotFound, kConflict, kGone, kUnauthorized,
  // kInvalid (422), kUnavailable (5xx, 429 after Retry-After, unreachable), kTimeout.
  // `timeout` bounds one attempt.
  static constexpr std::chrono::seconds kTimeout{30};
  // `fields` of the answer, which must outlive the call; null = all of it.
  boost::asio::awaitable<Result<Json>> Get(std::string path,
                                           std::chrono::milliseconds timeout = kTimeout,
                                           const JsonFields* fields = nullptr);
  boost::asio::awaitable<Result<Json>> Create(std::string path, Json object);
  // application/merge-patch+json; put metadata.resourceVersion in for an optimistic write.
  boost::asio::awaitable<Result<Json>> MergePatch(std::string path, Json patch,
                                                  std::chrono::milliseconds timeout = kTimeout);
  boost::asio::awaitable<Result<Json>> Update(std::string path, Json object);  // PUT
  // Server-side apply: the fields in `object` become `field_manager`'s, also where another had
  // set them; all others stay as they are.
  boost::asio::awaitable<Result<Json>> Apply(std::string path, Json object,
                                             std::string_view field_manager);
  boost::asio::awaitable<Result<void>> Delete(std::string path);  // absent is success

  // One watch request from `resource_version`; `on_event` gets each {type, object} and returns an
  // error to stop. Ends with success at the server's timeout, kGone on 410. `fields` as for
  // DecodeWatchEvent().
  using OnEvent = std::function<Result<void>(std::string_view type, Json object)>;
  boost::asio::awaitable<Result<void>> Watch(std::string path, std::string resource_version,
                                             OnEvent on_event, const JsonFields* fields = nullptr);

  const Config& config() const;

  // The API server's clock, from its last answer on; ours before the first. What it will judge by
  // time (certificates) is made by this one, so that a wrong clock here does no harm.
  WallTime ServerTime() const;

 private:
  struct State;
  explicit ApiClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headroom::kube
