"""A change is asked for again with its Idempotency-Key: it is made once, whatever was killed in between."""
import contextlib
import http.client
import itertools
import sys
import unittest

from harness import BIN, EXAMPLES, OwnEngineTest, until

sys.path.insert(0, str(EXAMPLES / "client"))
from pinion_client import Pinion  # noqa: E402

FILES = {
    "pinion.yaml": "pools: {models: 2}\n",
    "load.yaml": """
workflow: load
overlap: allow
max_active_runs: 100
triggers: [{id: day, cron: "0 2 * * *"}]
tasks: {only: {type: empty}}
""",
}
LOST = (OSError, http.client.HTTPException)


class Repeats(OwnEngineTest):
    def setUp(self):
        self.e = self.engine(FILES)

    def ask(self, key, path, body):
        """Status, headers and text of one answer, over a connection of its own."""
        api = Pinion(self.e.data / "pinion.sock")
        with contextlib.closing(api.connection):
            return api.request("POST", path, body=body, headers={"Idempotency-Key": key})

    def count(self):
        """What the changes of these tests leave behind: runs by hand, backfills, audit records."""
        return (len([one for one in self.e.items("runs") if one["trigger"] == "@manual"]),
                len(self.e.items("backfills")),
                sorted((one["verb"], one["object"]) for one in self.e.items("audit") if one["reason"] == "repeat"))

    def test_every_change_is_made_once_and_answered_the_same_after_a_kill(self):
        self.e.start()
        run = self.e.trigger("t.load")
        self.e.wait(run)
        day = {"target": "t.load/day", "from": "2026-01-01", "to": "2026-01-01", "reason": "repeat"}
        other = {"path": "/w/other.yaml", "text": "workflow: other\ntasks: {a: {type: empty}}\n"}
        changes = [("/trigger", {"workflow": "t.load"}), ("/backfills", day), ("/pause", {"target": "t.load/day"}),
                   ("/resume", {"target": "t.load/day"}), ("/hold", {}), ("/unhold", {}),
                   ("/pools", {"pool": "t.models", "permits": 3}), ("/apply", {"files": [other]}),
                   ("/operations", {"operation": "rerun", "ref": run}),
                   ("/operations", {"operation": "note", "ref": run, "text": "x"}),
                   ("/operations", {"operation": "freeze", "ref": "t.load.only"}),
                   ("/operations", {"operation": "thaw", "ref": "t.load.only"}),
                   ("/restore", {"version": "w.other:v1"}),
                   ("/run", {"definition": {"workflow": "once", "tasks": {"a": {"type": "empty"}}}}),
                   ("/trigger", {"workflow": "t.nothing"})]
        first = []
        for number, (path, body) in enumerate(changes):
            body.setdefault("reason", "repeat")
            first.append(self.ask(f"key-{number}", path, body))
            self.assertNotIn("Idempotent-Replayed", first[-1][1])
        before = self.count()
        for restart in (False, True):
            if restart:
                self.e.kill9()
                self.e.start()
            for number, (path, body) in enumerate(changes):
                with self.subTest(path=path, restart=restart):
                    status, headers, text = self.ask(f"key-{number}", path, body)
                    self.assertEqual((status, text), (first[number][0], first[number][2]))
                    self.assertEqual(headers["Idempotent-Replayed"], "true")
            self.assertEqual(self.count(), before)
        self.assertEqual(self.ask("key-0", "/trigger", {"workflow": "t.load", "reason": "another"})[0], 422)
        self.assertTrue(self.e.ctl("store", "verify")["ok"])

    def test_a_kill_at_any_step_of_a_commit_makes_nothing_twice_and_loses_nothing(self):
        gate = self.e.home / "gate"
        self.e.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        # The log holds a commit first, then its counter is written: from the log on the change is made.
        steps = [(path, action, nth) for path, nths in (("*/store/*.log", (1, 2)), ("*/COMMIT", (1, 2, 3)))
                 for nth in nths for action in ("kill-before", "kill-after")]
        made = {"t.load": 0, "backfill": 0}
        numbers = itertools.count()
        for day, (file, action, nth) in enumerate(steps, 10):
            for path, body, kind in (
                    ("/trigger", {"workflow": "t.load", "reason": "repeat"}, "t.load"),
                    ("/backfills", {"target": "t.load/day", "from": f"2026-01-{day}", "to": f"2026-01-{day}"},
                     "backfill")):
                with self.subTest(path=path, file=file, action=action, nth=nth):
                    key = f"{day}-{kind}"
                    gate.unlink(missing_ok=True)
                    self.e.environment["PINION_FAULTS"] = f"engine,write,{file},*,{nth},{action},{gate}"
                    self.e.start()
                    gate.touch()
                    with contextlib.suppress(*LOST):
                        self.ask(key, path, body)
                        # Whatever is committed next brings the kill.
                        until(lambda: self.ask(f"{key}-{next(numbers)}", "/hold", {}) and False, "the kill", 10)
                    self.e.process.wait(timeout=30)
                    del self.e.environment["PINION_FAULTS"]
                    self.e.start()
                    self.ask("y" + key, "/unhold", {})
                    status, headers, text = self.ask(key, path, body)
                    self.assertEqual(status, 201, text)
                    made_before = (file, action, nth) != ("*/store/*.log", "kill-before", 1)
                    self.assertEqual("Idempotent-Replayed" in headers, made_before)
                    again = self.ask(key, path, body)
                    self.assertEqual(again[0], 201, again[2])
                    made[kind] += 1
                    runs, backfills, _ = self.count()
                    self.assertEqual((runs, backfills), (made["t.load"], made["backfill"]))
                    self.e.kill9()
        self.e.start()
        self.assertTrue(self.e.ctl("store", "verify")["ok"])


if __name__ == "__main__":
    unittest.main()
