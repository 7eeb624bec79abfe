"""Hosts that fail while a model is fetched from them; a part of faults_test.py."""

import hashlib

from exporter_fixture import eventually
from fetch_fixture import FetchingTest


class Downloads(FetchingTest):
    """Whatever a host does, nothing half gets the final name, and what was fetched is used again."""

    def nothing_half(self):
        self.assertEqual(self.files("*.gguf"), [], "nothing under the final name")

    def whole(self, name="a"):
        self.until("ready", name)
        self.assertEqual([path.read_bytes() for path in self.files("*.gguf")], [self.hub.content])
        self.assertEqual(self.files("*.partial*"), [])

    def test_one_that_is_cut_off_is_resumed(self):
        self.hub.cut_at = half = len(self.content) // 2
        self.apply_url("a")
        self.begin()
        reason = self.until("backoff", "a")["reason"]
        self.assertIn("the host closed the connection after", reason)
        self.nothing_half()
        self.whole()
        self.assertEqual(self.hub.ranges, [0, half])

    def test_one_that_has_changed_meanwhile_is_fetched_anew(self):
        self.hub.cut_at = half = len(self.content) // 2
        self.apply_url("a")
        self.begin()
        self.until("backoff", "a")
        self.hub.etag = '"v2"'
        self.hub.content = self.content[:-1] + b"x"
        self.whole()
        self.assertEqual((self.hub.ranges[:2], self.hub.ranges[-1]), ([0, half], 0))

    def test_a_wrong_sum_is_final_until_an_edit(self):
        self.apply_url("a", sha256="0" * 64)
        self.begin()
        reason = self.until("failed", "a")["reason"]
        self.assertIn("sha256 differs: expected 000", reason)
        self.nothing_half()
        self.assertEqual(self.files("*.partial*"), [])
        self.apply_url("a", sha256=hashlib.sha256(self.content).hexdigest())
        self.whole()

    def test_refusals_are_tried_again_where_that_can_help(self):
        self.hub.refuse = [500, 429]
        self.apply_url("a")
        self.begin()
        self.whole()
        self.assertEqual(len(self.hub.ranges), 3)
        self.hub.refuse = [401]
        self.apply_url("b")
        self.assertIn("the host refuses access", self.until("failed", "b")["reason"])
        self.assertEqual(len(self.files("*.gguf")), 1)

    def test_one_that_is_shorter_than_its_header_says_is_never_launched(self):
        self.hub.content = self.content[:-4096]
        self.apply_url("a")
        self.begin()
        reason = eventually(lambda: (self.model("a") or {}).get("reason"), "it says why")
        self.assertRegex(self.until("backoff", "a")["reason"], "short|beyond|truncated", reason)
        self.assertEqual(self.model("a")["restarts"], 0)
        self.nothing_half()

    def test_one_that_drips_is_given_up_and_resumed(self):
        self.hub.pause = 10
        self.apply_url("a")
        self.begin()
        reason = self.until("backoff", "a", seconds=90)["reason"]
        self.assertIn("the host sends too slowly; what was fetched is kept", reason)
        self.nothing_half()
        self.hub.pause = 0
        self.whole()
        self.assertGreater(self.hub.ranges[-1], 0)
