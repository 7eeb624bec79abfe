#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

#include "common/json.h"
#include "common/utf8.h"

namespace headroom {
namespace {

template <class Writer>
void WriteText(std::string_view text, Writer& writer, bool key) {
  // Names from files we did not write (GGUF metadata, logs) may hold any bytes.
  const std::string repaired = IsUtf8(text) ? std::string() : ReplaceBadUtf8(text);
  if (!repaired.empty()) text = repaired;
  const auto size = static_cast<rapidjson::SizeType>(text.size());
  if (key) {
    writer.Key(text.data() ? text.data() : "", size);
  } else {
    writer.String(text.data() ? text.data() : "", size);
  }
}

template <class Writer>
void WriteNumber(const Json& value, Writer& writer) {
  // AsInt() accepts whole doubles too; those keep their fraction point so that types survive.
  if (value.IsReal()) {
    const double real = value.AsDouble().value_or(0);
    std::isfinite(real) ? writer.Double(real) : writer.Null();  // JSON has no NaN
  } else if (const auto integer = value.AsInt()) {
    writer.Int64(*integer);
  } else {
    writer.Uint64(value.AsUint().value_or(0));
  }
}

// Recursion is bounded by the depth caps of the parsers.
template <class Writer>
void Write(const Json& value, Writer& writer) {
  if (const auto* object = value.AsObject()) {
    writer.StartObject();
    for (const auto& [name, member] : *object) {
      WriteText(name, writer, true);
      Write(member, writer);
    }
    writer.EndObject();
  } else if (const auto* array = value.AsArray()) {
    writer.StartArray();
    for (const Json& item : *array) Write(item, writer);
    writer.EndArray();
  } else if (const auto* text = value.AsString()) {
    WriteText(*text, writer, false);
  } else if (const bool* flag = value.AsBool()) {
    writer.Bool(*flag);
  } else if (value.IsNull()) {
    writer.Null();
  } else {
    WriteNumber(value, writer);
  }
}

}  // namespace

std::string WriteJson(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  Write(value, writer);
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string WriteJsonPretty(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  Write(value, writer);
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace headroom
