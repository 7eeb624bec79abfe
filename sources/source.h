// spec.source of a Model: what it names and where its bytes are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/http.h"

namespace headroom::sources {

struct Source {
  enum class Where {
    kNodeFile,  // file:///path or /path: on the node that will run it
    kHttps,     // https://… (http:// is refused) and hf://owner/repo/file[@revision]
    kOther,     // pvc://, s3://, bare names: we cannot read it
  };
  Where where = Where::kOther;
  std::string text;  // as written
  std::string path;  // kNodeFile: absolute and normalised, no ".." left
  net::Url url;      // kHttps; hf:// is resolved to the Hub's resolve URL
};

// Errors are for the operator: "spec.source: file://model.gguf: expected an absolute path, as in
// file:///models/model.gguf".
Result<Source> ParseSource(std::string_view text);

// The same for a file that belongs to a model (its projector): a bare name lies beside the model's.
Result<Source> ParseBeside(std::string_view text, const Source& model);

// "hf org/repo file.gguf @ 3f2a1c", "https host/path.gguf", "file /models/x.gguf": for messages.
std::string Describe(const Source& source);

// The source and its siblings when it is the first of a split ("-00001-of-00003.gguf"), else
// itself.
std::vector<Source> SplitParts(const Source& first);

}  // namespace headroom::sources
