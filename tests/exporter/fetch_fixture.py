"""An exporter that fetches models from a host of the test's own."""

import pathlib
import sys

from exporter_fixture import ExporterTest, eventually

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from file_host import FileHost  # noqa: E402

MANIFEST = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {url}
  hardware: {{accelerator: metal}}{more}
  serving: {{contextSize: 512, parallelSlots: 1, promptCacheMiB: 0}}
"""


class FetchingTest(ExporterTest):
    def setUp(self):
        super().setUp()
        self.content = self.gguf.read_bytes()
        self.hub = FileHost(self.root, self.content)
        self.addCleanup(self.hub.close)
        self.store = self.root / "store"

    def begin(self, *args):
        return self.start("--source-allow", f"127.0.0.1:{self.hub.port}", "--source-ca",
                          self.hub.certificate, "--store-dir", self.store, *args)

    def apply_url(self, name, sha256=""):
        more = f"\n  sha256: '{sha256}'" if sha256 else ""
        url = f"{self.hub.url}/{name}/model.gguf"
        (self.manifests / f"{name}.yaml").write_text(MANIFEST.format(name=name, url=url, more=more))

    def remove(self, name):
        (self.manifests / f"{name}.yaml").unlink()
        eventually(lambda: self.model(name) is None, f"{name} is gone")

    def files(self, pattern):
        return sorted(path for path in self.store.rglob(pattern) if path.is_file())
