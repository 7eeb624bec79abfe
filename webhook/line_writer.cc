#include "webhook/line_writer.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>

namespace headroom::webhook {

namespace asio = boost::asio;

struct LineWriter::State {
  asio::any_io_executor executor;
  int descriptor;
  std::string pending = {};

  // Nobody is left to tell if the reader is gone.
  void Flush() {
    std::string_view rest = pending;
    while (!rest.empty()) {
      const ssize_t n = ::write(descriptor, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      rest.remove_prefix(static_cast<size_t>(n));
    }
    pending.clear();
  }
};

LineWriter::LineWriter(asio::any_io_executor executor, int descriptor)
    : state_(std::make_shared<State>(State{std::move(executor), descriptor})) {}

LineWriter::~LineWriter() { state_->Flush(); }

void LineWriter::Add(std::string_view line) {
  if (state_->pending.empty()) {
    asio::post(state_->executor, [state = state_] { state->Flush(); });
  }
  state_->pending.append(line).append("\n");
}

}  // namespace headroom::webhook
