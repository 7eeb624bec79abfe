// A watch's body cut into events: newline-delimited JSON, fed as bytes arrive. No I/O; one per
// watch.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/json_fields.h"
#include "common/result.h"

namespace headroom::kube {

struct WatchEvent {
  std::string type;  // ADDED | MODIFIED | DELETED | BOOKMARK
  Json object;
};

// One line of a watch. An ERROR event is its Status as an error: 410 is kGone. `fields` of the
// event, which WatchFields() makes of an object's; null = all of it.
Result<WatchEvent> DecodeWatchEvent(std::string_view line, const JsonFields* fields = nullptr);
JsonFields WatchFields(const JsonFields& object);

class WatchFrames {
 public:
  // etcd holds objects up to 1.5 MiB; JSON with managedFields may be some times that.
  static constexpr size_t kMaxFrame = 8 << 20;

  using OnLine = std::function<Result<void>(std::string_view line)>;

  explicit WatchFrames(size_t max_frame = kMaxFrame) : max_frame_(max_frame) {}

  // Calls `on_line` for each complete line that is not blank. Errors: those of `on_line`, and
  // kTooLarge for a line longer than the cap. After an error the object is used up.
  Result<void> Feed(std::string_view bytes, const OnLine& on_line);

  // Bytes of a line that has begun; not 0 at the end of a stream = it was cut within an object.
  size_t pending() const { return pending_.size(); }

 private:
  size_t max_frame_;
  std::string pending_;
};

}  // namespace headroom::kube
