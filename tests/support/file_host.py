"""A host of files over HTTPS, as the Hugging Face Hub is one, on a loopback address."""

import http.server
import re
import ssl
import subprocess
import threading


class FileHost:
    """Serves one content under every path, by ranges. With `stop_at` a download stops after so many
    bytes until `released`, and with `cut_at` its connection is closed there, once; with `pause` it
    goes on by 4 KiB and so many seconds. The next downloads are answered with the codes of `refuse`.
    With `redirect_to` every answer is a redirect to that base URL."""

    def __init__(self, folder, content):
        self.content = content
        self.etag = '"v1"'
        self.stop_at = self.cut_at = None
        self.pause = 0
        self.refuse = []
        self.redirect_to = None
        self.released = threading.Event()
        self.ranges = []  # first bytes of downloads
        self.tokens = []  # Authorization of every request
        key, self.certificate = folder / "host.key", folder / "host.crt"
        if not self.certificate.exists():  # several in one folder share it
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", key, "-out", self.certificate, "-days", "1", "-subj",
                 "/CN=host", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def answer(self, request):
        self.tokens.append(request.headers.get("Authorization"))
        if self.redirect_to:
            request.send_response(302)
            request.send_header("Location", self.redirect_to + request.path)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        wanted = request.headers.get("Range")
        size = len(self.content)
        first, last = 0, size - 1
        if wanted:
            bounds = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
            first = int(bounds[1])
            last = min(int(bounds[2] or last), last)
        download = not wanted or not bounds[2]  # the header is asked for up to a limit
        if download:
            self.ranges.append(first)
            if self.refuse:
                request.send_response(self.refuse.pop(0))
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
        request.send_response(206 if wanted else 200)
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(last + 1 - first))
        if wanted:
            request.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        request.end_headers()
        body = self.content[first:last + 1]
        try:
            if download and self.cut_at is not None:
                body, self.cut_at = body[:self.cut_at], None
                request.close_connection = True
            while download and self.pause and body:
                request.wfile.write(body[:4096])
                request.wfile.flush()
                body = body[4096:]
                self.released.wait(self.pause)
            if download and self.stop_at is not None and not self.released.is_set():
                request.wfile.write(body[:self.stop_at])
                request.wfile.flush()
                self.released.wait(60)
                body = body[self.stop_at:]
            request.wfile.write(body)
        except OSError:
            pass  # the exporter was killed

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
