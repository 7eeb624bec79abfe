#include "net/run_to_end.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

namespace headroom::net {

void RunToEnd(boost::asio::io_context& io, boost::asio::awaitable<void> work) {
  bool done = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) {
    failure = error;
    done = true;
  });
  while (!done && io.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace headroom::net
