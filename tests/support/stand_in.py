"""A stand-in for model servers that do not run here: it says that it is well, shows a metric, and leaves
its arguments and environment in started.json beside itself."""

import sys

STAND_IN = f"""#!{sys.executable}
import http.server, json, os, sys
with open(os.path.join(os.path.dirname(sys.argv[0]), "started.json"), "w") as out:
    json.dump({{"args": sys.argv[1:], "env": dict(os.environ)}}, out)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"vllm:num_requests_running{{engine=\\"0\\"}} 3\\n" if self.path == "/metrics" else b""
        self.send_response(200 if self.path in ("/health", "/metrics") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

flag = "--serve-ip" if "--serve-ip" in sys.argv else "--host"
address = (sys.argv[sys.argv.index(flag) + 1], int(sys.argv[sys.argv.index("--port") + 1]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def write_stand_in(folder):
    """Path of the executable."""
    program = folder / "stand-in"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return program
