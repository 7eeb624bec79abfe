#include "kube/watch_frames.h"

#include "kube/api_status.h"

namespace headroom::kube {
namespace {

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

JsonFields WatchFields(const JsonFields& object) {
  JsonFields fields{"type",        "object.metadata.name", "object.metadata.resourceVersion",
                    "object.code", "object.message",       "object.reason"};
  fields.Add("object", object);
  return fields;
}

Result<WatchEvent> DecodeWatchEvent(std::string_view line, const JsonFields* fields) {
  auto json = fields != nullptr ? ParseJson(line, *fields) : ParseJson(line);
  if (!json) return json.error().Within("watch event");
  WatchEvent event;
  event.type = StringOr(*json, {"type"});
  Json::Object* members = json->AsObject();
  if (members != nullptr) {
    for (auto& [name, value] : *members) {
      if (name == "object") event.object = std::move(value);
    }
  }
  if (event.type.empty() || !event.object.IsObject()) {
    return Error(Code::kInvalid, "watch event: expected {\"type\": ..., \"object\": {...}}");
  }
  if (event.type == "ERROR") {
    return ErrorFromStatus(static_cast<int>(IntOr(event.object, {"code"}, 500)), event.object);
  }
  return event;
}

Result<void> WatchFrames::Feed(std::string_view bytes, const OnLine& on_line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (pending_.size() + piece.size() > max_frame_) {
      return Error(Code::kTooLarge,
                   "watch event: longer than " + std::to_string(max_frame_) + " bytes");
    }
    if (end == std::string_view::npos) {
      pending_.append(piece);
      return {};
    }
    bytes.remove_prefix(end + 1);
    // The common case, a whole line in one piece, is handed on without a copy.
    std::string whole;
    std::string_view line = piece;
    if (!pending_.empty()) {
      whole = std::move(pending_.append(piece));
      pending_.clear();
      line = whole;
    }
    if (IsBlank(line)) continue;
    if (auto handled = on_line(line); !handled) return handled.error();
  }
  return {};
}

}  // namespace headroom::kube
