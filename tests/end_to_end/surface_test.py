"""What scripts rely on: formats and filters of every kind, and the exit codes."""
import json
import unittest

from harness import DONE, FAILED, NO_ENGINE, NOT_FOUND, REFUSED, USAGE, WAIT_RAN_OUT, EngineTest

SHOP = """
workflow: good
owner: ann
labels: {tier: gold, team: shop}
vars: {schema: shop}
triggers: [{id: nightly, cron: "0 2 * * *"}, {id: weekly, cron: "0 3 * * sun", enabled: false}]
tasks:
  load: {run: echo loaded}
  idle: {needs: load, run: exit 99}
---
workflow: bad
owner: bob
labels: {tier: iron, team: shop}
tasks:
  load: {run: exit 3}
  next: {needs: load, run: echo next}
---
workflow: slow
max_active_runs: 3
overlap: allow
tasks:
  hang: {pool: gate, run: sleep 600}
"""
SETTINGS = """
pools: {gate: 1}
vars: {schema: none}
channels: {ops: {log: true}}
"""
KINDS = ["workflows", "versions", "triggers", "runs", "instances", "attempts", "pools", "permits", "vars", "channels",
         "slots", "plan", "backfills", "audit", "events"]


class Surface(EngineTest):
    files = {"shop/flows.yaml": SHOP, "shop/pinion.yaml": SETTINGS,
             "lab/probe.yaml": "workflow: probe\nowner: ann\ntasks: {look: {run: echo looked}}\n"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.engine.trigger("shop.good", "--reason", "first of all")
        cls.bad = cls.engine.trigger("shop.bad")
        cls.probe = cls.engine.trigger("lab.probe")
        cls.engine.wait(cls.good)
        cls.engine.wait(cls.bad, "failed")
        cls.engine.wait(cls.probe)
        cls.slow = cls.engine.trigger("shop.slow")
        cls.engine.wait_state(cls.slow, "hang", "running")
        cls.backfill = cls.engine.ctl("backfill", "shop.good/nightly", "--from", "2024-03-01", "--to", "2024-12-31",
                                     "--parallel", "1")["id"]
        cls.engine.ctl("pause", f"{cls.backfill}", "--reason", "enough")

    def need_of(self, kind):
        """What a kind cannot be listed without."""
        return {"attempts": ("--run", self.good), "events": ("--run", self.good)}.get(kind, ())

    def names(self, kind, *filters):
        return self.engine.call("get", kind, *filters, "-o", "name").stdout.splitlines()

    # Formats.

    def test_every_kind_has_every_format(self):
        for kind in KINDS:
            need = self.need_of(kind)
            with self.subTest(kind):
                document = self.engine.ctl("get", kind, *need)
                self.assertIn("next", document)
                count = len(document["items"])
                if kind != "plan":  # Of a day that may be over.
                    self.assertGreater(count, 0)
                for form in ("table", "wide", "yaml", "name"):
                    done = self.engine.call("get", kind, *need, "-o", form)
                    self.assertEqual((done.returncode, done.stderr), (DONE, ""), form)
                    lines = done.stdout.splitlines()
                    if form == "name":
                        self.assertEqual(len(lines), count)
                        self.assertTrue(all(lines), lines)
                    elif form == "yaml":
                        self.assertTrue(lines[0].startswith("items:"), lines[0])
                    else:
                        self.assertEqual(len(lines), count + 1, done.stdout)
                        self.assertRegex(lines[0], r"^[A-Z ]+$")

    def test_the_names_in_json_are_kept(self):
        names = {
            "workflows": "id project workflow version paused triggers next_slot",
            "runs": "id key workflow version trigger lane slot data_interval state reason started_at ended_at duration_s "
                    "params counts",
            "instances": "id run workflow task index state reason message attempt worker pool priority slot ready_at "
                         "started_at ended_at duration_s outputs upstream",
            "attempts": "id instance number fence worker state exit_code signal reason started_at ended_at log_bytes "
                        "log_cut",
        }
        for kind, wanted in names.items():
            with self.subTest(kind):
                for item in self.engine.ctl("get", kind, *self.need_of(kind))["items"]:
                    self.assertEqual(set(wanted.split()) - set(item), set())
        run = self.engine.run(self.good)
        self.assertEqual(set(run["data_interval"]), {"start", "end"})
        self.assertRegex(run["started_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertIsInstance(run["duration_s"], float)
        slots = self.engine.ctl("preview", "shop.good", "-n", "2")["items"]
        self.assertTrue(slots and all({"slot", "utc"} <= set(one) for one in slots))
        why = self.engine.ctl("why", f"{self.slow}/hang")
        self.assertEqual({"state", "blocked_by", "expected_start", "expected_end", "critical_path"} - set(why), set())
        checked = self.engine.ctl("validate", self.engine.workflows)
        self.assertEqual({"ok", "errors", "warnings"} - set(checked), set())

    def test_wide_tells_more_than_table(self):
        for kind in ("workflows", "versions", "triggers", "runs", "instances", "attempts", "slots", "backfills", "audit"):
            with self.subTest(kind):
                need = self.need_of(kind)
                narrow, wide = (self.engine.call("get", kind, *need, "-o", form).stdout.splitlines()[0]
                                for form in ("table", "wide"))
                self.assertGreater(len(wide.split()), len(narrow.split()))

    def test_names_are_taken_where_a_thing_is_asked_for(self):
        for kind in ("workflows", "versions", "triggers", "runs", "instances", "attempts", "backfills"):
            for name in self.names(kind, *self.need_of(kind))[:3]:
                with self.subTest(name):
                    self.assertEqual(self.engine.call("describe", name).returncode, DONE)

    # Filters.

    def test_definitions_are_selected(self):
        self.assertEqual(self.names("workflows", "--project", "lab"), ["lab.probe"])
        self.assertEqual(self.names("workflows", "--owner", "ann"), ["lab.probe", "shop.good"])
        self.assertEqual(self.names("workflows", "-l", "tier=gold"), ["shop.good"])
        self.assertEqual(self.names("workflows", "-l", "team=shop", "-l", "tier=iron"), ["shop.bad"])
        self.assertEqual(self.names("workflows", "--workflow", "shop.bad"), ["shop.bad"])
        self.assertEqual(self.names("triggers", "--owner", "ann"), ["shop.good/nightly", "shop.good/weekly"])
        self.assertEqual(self.names("triggers", "-l", "tier=iron"), [])
        self.assertEqual(self.names("versions", "--owner", "bob"), ["shop.bad:v1"])
        self.assertEqual(self.names("vars", "--workflow", "shop.good"), self.names("vars", "-l", "tier=gold"))
        self.assertEqual(self.names("pools", "--project", "shop")[-1:], ["shop.gate"])
        self.assertEqual(self.names("channels", "--project", "lab"), [])

    def test_runs_and_instances_are_selected(self):
        mine = {self.good, self.bad, self.probe, self.slow}
        by_hand = lambda *filters: set(self.names("runs", *filters)) & mine
        self.assertEqual(by_hand(), mine)
        self.assertEqual(by_hand("--project", "lab"), {self.probe})
        self.assertEqual(by_hand("--workflow", "shop.bad"), {self.bad})
        self.assertEqual(by_hand("--state", "failed"), {self.bad})
        self.assertEqual(by_hand("--owner", "ann"), {self.good, self.probe})
        self.assertEqual(by_hand("-l", "tier=iron"), {self.bad})
        self.assertEqual(by_hand("--reason", "tasks_failed"), {self.bad})
        self.assertEqual(by_hand("--since", "1h"), mine)
        self.assertEqual(by_hand("--since", "1h", "--state", "success"), {self.good, self.probe})
        self.assertEqual(by_hand("--to", "2024-01-01"), set())
        self.assertEqual(by_hand("--from", "2024-01-01"), mine)
        self.assertEqual(self.names("instances", "--run", self.bad, "--state", "upstream_failed"), [f"{self.bad}/next"])
        self.assertEqual(self.names("instances", "--run", self.good, "--reason", "skip_exit"), [f"{self.good}/idle"])
        self.assertEqual(self.names("instances", "--owner", "bob", "--run", self.bad),
                         [f"{self.bad}/load", f"{self.bad}/next"])
        self.assertEqual(self.names("instances", "--owner", "ann", "--run", self.bad), [])
        self.assertEqual(self.names("instances", "-l", "tier=iron", "--state", "failed", "--run", self.bad),
                         [f"{self.bad}/load"])
        self.assertEqual(self.names("instances", "-l", "tier=gold", "--run", self.bad), [])
        self.assertEqual(self.names("instances", "--project", "lab"), [f"{self.probe}/look"])
        self.assertEqual(self.names("instances", "--workflow", "shop.bad", "--to", "2024-01-01"), [])
        self.assertEqual(self.names("permits", "--run", self.slow), [f"{self.slow}/hang"])
        self.assertEqual(self.names("permits", "--project", "lab"), [])

    def test_slots_backfills_and_audit_are_selected(self):
        slots = self.names("slots", "--workflow", "shop.good")
        self.assertGreater(len(slots), 0)
        self.assertEqual(self.names("slots", "--workflow", "shop.good", "--state", "missed"), [])
        self.assertEqual(self.names("slots", "--workflow", "shop.good", "--from", "2024-03-01", "--to", "2024-03-31"),
                         [one for one in slots if one.startswith("2024-03")])
        self.assertEqual(self.names("slots", "--owner", "ann", "--project", "shop", "--to", "2024-12-31"),
                         self.names("slots", "-l", "tier=gold", "--to", "2024-12-31"))
        self.assertEqual(self.names("slots", "-l", "tier=iron", "--to", "2024-12-31"), [])
        self.assertEqual(self.names("slots", "--project", "lab", "--to", "2024-12-31"), [])
        self.assertEqual(self.names("backfills", "--project", "shop"), [self.backfill])
        self.assertEqual(self.names("backfills", "--project", "lab"), [])
        self.assertEqual(self.names("backfills", "--workflow", "shop.bad"), [])
        self.assertEqual(self.names("backfills", "--state", "paused"), [self.backfill])
        self.assertEqual(self.names("backfills", "--state", "success"), [])
        of = lambda *filters: [(one["verb"], one["object"]) for one in self.engine.items("audit", *filters)]
        self.assertEqual(of("--workflow", "shop.good", "--to", "2024-01-01"), [])
        self.assertIn(("trigger", "shop.good"), of("--workflow", "shop.good"))
        self.assertNotIn(("trigger", "shop.bad"), of("--workflow", "shop.good"))
        self.assertEqual(of("--to", "2024-01-01"), [])
        self.assertEqual(len(of("--since", "1h")), len(of()))
        self.assertTrue(of("--since", "1h"))

    def test_a_filter_that_a_kind_does_not_have_is_refused(self):
        for kind, filters in (("pools", ("--state", "x")), ("audit", ("--owner", "ann")), ("events", ("--since", "1h")),
                              ("channels", ("-l", "a=b"))):
            with self.subTest(kind):
                done = self.engine.call("get", kind, *filters)
                self.assertEqual(done.returncode, USAGE)
                self.assertIn(filters[0].replace("-l", "--label"), done.stderr)

    def test_values_that_mean_nothing_are_refused_with_what_is_known(self):
        for words, hint in ((("get", "runs", "--state", "succes"), "success"), (("get", "runs", "--since", "12"), "unit"),
                            (("get", "runs", "--from", "yesterday"), "time"), (("get", "runs", "--reason", "bad"), "reason"),
                            (("get", "slots", "--state", "gone"), "missed"), (("get", "runs", "--sort", "nothing"), "nothing"),
                            (("get", "runs", "--limit", "0"), "--limit"), (("get", "workflows", "-l", "gold"), "label")):
            with self.subTest(words):
                done = self.engine.call(*words)
                self.assertEqual((done.returncode, done.stdout), (USAGE, ""), done.stderr)
                self.assertIn(hint, done.stderr)

    def test_pages_and_order(self):
        first = self.engine.ctl("get", "instances", "--limit", "2")
        self.assertEqual(len(first["items"]), 2)
        rest = self.engine.ctl("get", "instances", "--cursor", first["next"])
        everything = [one["id"] for one in self.engine.items("instances")]
        self.assertEqual([one["id"] for one in first["items"] + rest["items"]], everything)
        rising = [one["workflow"] for one in self.engine.ctl("get", "runs", "--sort", "workflow")["items"]]
        falling = [one["workflow"] for one in self.engine.ctl("get", "runs", "--sort", "-workflow")["items"]]
        self.assertEqual(rising, sorted(rising))
        self.assertEqual(falling, sorted(rising, reverse=True))

    # Exit codes.

    def test_exit_codes(self):
        code = lambda *words: self.engine.call(*words).returncode
        table = {
            DONE: [("health",), ("get", "runs"), ("version",), ("trigger", "shop.good", "--wait"), ("help", "get")],
            FAILED: [("trigger", "shop.bad", "--wait"), ("validate", "/nowhere")],
            USAGE: [("frobnicate",), ("get",), ("get", "nothing"), ("get", "runs", "--nothing"), ("trigger", "bad"),
                    ("trigger", "shop.good", "--param", "x=1"), ("pause",), ("-o", "xml", "health")],
            NOT_FOUND: [("get", "runs", "r99999"), ("trigger", "shop.nothing"), ("why", f"{self.good}/nothing"),
                        ("describe", "b99"), ("logs", "shop.good@latest:failed")],
            REFUSED: [("succeed", f"{self.good}/load"), ("cancel", self.good), ("apply", self.engine.workflows / "lab")],
            WAIT_RAN_OUT: [("trigger", "shop.slow", "--wait", "--timeout", "200ms")],
        }
        for wanted, calls in table.items():
            for words in calls:
                with self.subTest(words):
                    self.assertEqual(code(*words), wanted)
        self.assertEqual(code("--server", self.engine.home / "nobody.sock", "health"), NO_ENGINE)

    def test_a_failure_is_one_document_on_standard_output(self):
        for words, name in ((("get", "runs", "r99999"), "not_found"), (("get", "nothing"), "invalid"),
                            (("cancel", self.good), "refused")):
            with self.subTest(words):
                done = self.engine.call(*words, "-o", "json")
                error = json.loads(done.stdout)["error"]
                self.assertEqual(error["code"], name)
                self.assertTrue(error["message"])
                self.assertEqual(error["details"], [])


if __name__ == "__main__":
    unittest.main()
