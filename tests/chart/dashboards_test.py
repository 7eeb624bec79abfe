"""Every query of every panel of the dashboards, against a real Prometheus that scrapes the real
exporter and webhook while models are admitted, refused, launched and killed, and the page of a Mac
as recorded (what only a Mac has). A panel that stays empty fails the test."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from scenario import HERE, RECORDED, Scenario, load, panels  # noqa: E402

# What a machine without macOS has no figures for.
ONLY_ON_A_MAC = {"GPU working set", "GPU memory", "Kernel pressure"}
# Series of the API server, which does not run here; tests/e2e/newcomer_test.py sees them.
NOT_OURS = {"Passed unchecked"}


class Form(unittest.TestCase):
    def test_every_panel_says_what_it_shows(self):
        for name, dashboard in load().items():
            for panel in panels(dashboard):
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertTrue(panel["title"])
                    self.assertGreater(len(panel["description"]), 20)
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["targets"])
                    for one in (panel, *panel["targets"]):
                        self.assertEqual(one["datasource"]["uid"], "${datasource}")

    def test_identities_are_stable_and_unique(self):
        dashboards = load()
        self.assertEqual(
            {name: one["uid"] for name, one in dashboards.items()},
            {name: f"headroom-{name}" for name in ("admission", "fleet", "mac")},
        )
        for dashboard in dashboards.values():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            titles = [panel["title"] for panel in dashboard["panels"]]
            self.assertEqual(len(titles), len(set(titles)))
            self.assertIn("datasource", [one["type"] for one in dashboard["templating"]["list"]])

    def test_panels_do_not_overlap(self):
        for name, dashboard in load().items():
            taken = set()
            for panel in dashboard["panels"]:
                at = panel["gridPos"]
                cells = {
                    (x, y)
                    for x in range(at["x"], at["x"] + at["w"])
                    for y in range(at["y"], at["y"] + at["h"])
                }
                self.assertFalse(cells & taken, f"{name}: {panel['title']}")
                self.assertLessEqual(at["x"] + at["w"], 24)
                taken |= cells


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scenario = Scenario(budget="1536Mi")
        cls.addClassCleanup(cls.scenario.stop)
        cls.scenario.start()
        cls.scenario.admit("fits", 16384)
        cls.scenario.refuse("too-much", 1048576)
        cls.scenario.crash("fits")
        cls.scenario.await_scrapes(3)
        cls.query = cls.scenario.query

    def values(self, target, instance):
        expression = target["expr"].replace("$__rate_interval", "1m").replace("$instance", instance)
        return self.query(expression)

    # --- the tests -------------------------------------------------------------------------------

    def check(self, name, instance, may_be_empty):
        dashboard, live = load()[name], 0
        for panel in panels(dashboard):
            for target in panel["targets"]:
                with self.subTest(dashboard=name, panel=panel["title"], query=target["expr"]):
                    found = self.values(target, instance)
                    if panel["title"] in may_be_empty:
                        continue
                    self.assertTrue(found, "the panel is empty")
                    self.assertNotIn("NaN", [one["value"][1] for one in found])
            live += panel["title"] not in may_be_empty
        print(f"{name} ({instance}): {live} of {len(panels(dashboard))} panels with live data")

    def test_fleet_has_data(self):
        self.check("fleet", HERE, set())

    def test_mac_has_data_here(self):
        compressed = not self.query(f'headroom_memory_compressions_total{{instance="{HERE}"}}')
        self.check("mac", HERE, ONLY_ON_A_MAC | ({"Compression"} if compressed else set()))

    def test_mac_has_data_on_a_mac(self):
        self.check("mac", RECORDED, set())

    def test_admission_has_data(self):
        self.check("admission", HERE, NOT_OURS)

    def test_classes_of_memory_add_up(self):
        panel = next(p for p in panels(load()["mac"]) if p["title"] == "Where the memory is")
        for instance in (HERE, RECORDED):
            # One instant for all, so that they are parts of one sample.
            at = self.query(f'timestamp(headroom_memory_total_bytes{{instance="{instance}"}})')[0][
                "value"
            ][1]
            total = float(
                self.query(f'headroom_memory_total_bytes{{instance="{instance}"}} @ {at}')[0][
                    "value"
                ][1]
            )
            sum_of_parts = 0.0
            for target in panel["targets"]:
                expression = target["expr"].replace("$instance", instance)
                part = float(
                    self.query(f"last_over_time(({expression})[1s:1s] @ {at})")[0]["value"][1]
                )
                self.assertGreaterEqual(part, 0, target["legendFormat"])
                sum_of_parts += part
            self.assertEqual(sum_of_parts, total, instance)

    def test_alerts_have_data(self):
        """Prometheus takes each rule, and every series that it asks for is there."""
        groups = self.scenario.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertEqual([rule["name"] for rule in rules if rule["health"] == "err"], [])
        known = set(self.scenario.ask("label/__name__/values"))
        live = 0
        for rule in rules:
            names = set(re.findall(r"\b(?:headroom_\w+|apiserver_\w+|up)\b", rule["query"]))
            with self.subTest(alert=rule["name"], names=names):
                self.assertTrue(names)
                if any(name.startswith("apiserver_") for name in names):
                    continue  # as NOT_OURS
                self.assertLessEqual(names, known)
            live += names <= known
        self.assertTrue(rules)
        print(f"{live} of {len(rules)} alerts with live data")


if __name__ == "__main__":
    unittest.main(verbosity=2)
