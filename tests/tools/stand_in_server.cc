// A stand-in for llama-server where a test is about the process, not about inference: a real child
// with a real port that answers /health at once. What it does badly is chosen by --alias, a
// comma-separated list of:
//   ignore-term    SIGTERM does nothing
//   never-healthy  /health is 503 for ever
//   spam           writes 1 GiB to stdout as fast as it can
//   fork           starts a process of its own that outlives it
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

namespace {

std::string ValueOf(int argc, char** argv, const std::string& flag) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == flag) return argv[i + 1];
  }
  return "";
}

void Spam() {
  const std::string line(1023, 'x');
  for (int i = 0; i < 1 << 20; ++i) std::puts(line.c_str());
}

int Listen(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int on = 1;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool good = inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
                    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    ::listen(fd, 16) == 0;
  return good ? fd : -1;
}

void Serve(int listener, const std::string& answer) {
  for (;;) {
    const int peer = ::accept(listener, nullptr, nullptr);
    if (peer < 0) continue;
    char request[4096];
    if (::read(peer, request, sizeof request) > 0) {
      (void)!::write(peer, answer.data(), answer.size());
    }
    ::close(peer);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--version") {
    std::fputs("version: 0.7.0 (stand-in)\n", stderr);
    return 0;
  }
  if (first == "--help") {
    std::cout << std::ifstream(HEADROOM_LLAMA_SERVER_HELP).rdbuf();
    return 0;
  }
  const std::string how = "," + ValueOf(argc, argv, "--alias") + ",";
  const auto chosen = [&how](const char* word) {
    return how.find("," + std::string(word) + ",") != std::string::npos;
  };
  const int listener =
      Listen(ValueOf(argc, argv, "--host"), std::atoi(ValueOf(argc, argv, "--port").c_str()));
  if (listener < 0) {
    std::fputs("couldn't bind\n", stderr);
    return 1;
  }
  if (chosen("ignore-term")) std::signal(SIGTERM, SIG_IGN);
  if (chosen("fork") && ::fork() == 0) {
    ::close(listener);
    for (;;) ::pause();
  }
  if (chosen("spam")) std::thread(Spam).detach();
  Serve(listener, chosen("never-healthy")
                      ? "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
                      : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}
