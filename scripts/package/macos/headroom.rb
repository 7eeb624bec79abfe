# Homebrew formula: builds from source; `brew services start headroom` runs the exporter.
class Headroom < Formula
  desc "Keeps large language models from crushing the Macs that serve them"
  homepage "https://headroom.dev"
  license "Apache-2.0"
  head "https://headroom.dev/headroom.git", branch: "main"

  depends_on "boost" => :build
  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "rapidjson" => :build
  depends_on macos: :ventura
  depends_on "openssl@3"
  depends_on "prometheus-cpp"
  depends_on "yaml-cpp"

  def install
    system "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DHEADROOM_TESTS=OFF",
           "-DOPENSSL_ROOT_DIR=#{Formula["openssl@3"].opt_prefix}", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
    (var/"log/headroom").mkpath
    (var/"lib/headroom").mkpath
  end

  # Started with sudo it runs from boot on, without it while its user is logged in. To give it flags,
  # or a user of its own, use scripts/install-macos instead.
  service do
    run [opt_bin/"headroom-exporter", "--state-dir=#{var}/lib/headroom"]
    keep_alive true
    working_dir var/"lib/headroom"
    log_path var/"log/headroom/headroom-exporter.log"
    error_log_path var/"log/headroom/headroom-exporter.log"
    environment_variables PATH: std_service_path_env
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/headroom-exporter --version")
    port = free_port
    pid = spawn bin/"headroom-exporter", "--listen=127.0.0.1:#{port}", "--state-dir=#{testpath}"
    begin
      output = shell_output("curl --silent --retry 10 --retry-connrefused http://127.0.0.1:#{port}/metrics")
      assert_match "headroom_memory_total_bytes", output
    ensure
      Process.kill "TERM", pid
      Process.wait pid
    end
  end
end
