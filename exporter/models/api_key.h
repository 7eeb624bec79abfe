// The key that a model server asks for, by how it is launched: the last --api-key of its extra
// arguments, else the first line of its --api-key-file, else LLAMA_API_KEY, which it inherits. Of
// several keys the first. It is sent to that server only and belongs in no log, status or file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/result.h"

namespace headroom::exporter {

// `read` gives a file's text; a file that cannot be read has no key. "": none is asked for.
std::string ApiKeyOf(const std::vector<std::string>& extra_args, const std::string& inherited,
                     const std::function<Result<std::string>(const std::string&)>& read);

}  // namespace headroom::exporter
