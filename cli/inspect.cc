#include "cli/cli.h"
#include "cli/inspect_facts.h"
#include "cli/model_reader.h"
#include "cli/output/documents.h"

namespace headroom::cli {

int RunInspect(const Arguments& arguments, Streams streams) {
  InspectView view;
  Format format = Format::kTable;
  Flags flags("headroom inspect",
              "headroom inspect SOURCE... [FLAGS]\n"
              "What the header of a GGUF file says; nothing beyond the header is read. SOURCE is a "
              "file, file://, https:// or hf://owner/repo/file; of a split file the first part.");
  flags.Add("tensors", view.tensors, "list every tensor");
  AddFormatFlag(flags, format);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.empty()) {
    return Fail(
        streams,
        Error(Code::kInvalid, "inspect: expected a SOURCE, as in: headroom inspect model.gguf"),
        kUsage);
  }
  view.wide = format == Format::kWide;
  view.color = streams.color;
  DocumentWriter documents(streams.out, format);
  int code = kDone;
  bool first = true;
  for (const std::string& source : parsed->positional) {
    auto headers = ReadHeaders(source, streams.progress);
    if (!headers) {
      code = Fail(streams, headers.error());
      continue;
    }
    const InspectFacts facts =
        GatherFacts(source, std::move(headers->parts), headers->file_bytes, headers->bytes_read);
    if (IsDocument(format)) {
      documents.Write(ToJson(facts, view));
    } else {
      if (!first) streams.out << "\n";
      PrintInspect(streams.out, facts, view);
    }
    first = false;
  }
  return code;
}

}  // namespace headroom::cli
