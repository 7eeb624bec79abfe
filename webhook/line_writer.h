// Lines for a log on a file descriptor, written in one piece for all that came up in one turn of
// the event loop. Owns what is not written yet; its end writes that.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::webhook {

class LineWriter {
 public:
  LineWriter(boost::asio::any_io_executor executor, int descriptor);
  ~LineWriter();

  void Add(std::string_view line);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with a flush that is on its way
};

}  // namespace headroom::webhook
