"""A workflow is deleted with all that is its own: previewed, refused while it is needed, finished after a kill."""
import contextlib
import http.client
import json
import sys
import unittest

from harness import BIN, DONE, EXAMPLES, NOT_FOUND, REFUSED, OwnEngineTest, until

sys.path.insert(0, str(EXAMPLES / "client"))
from pinion_client import Pinion  # noqa: E402

OLD = """
workflow: old
overlap: allow
max_active_runs: 100
triggers: [{id: day, cron: "0 2 * * *"}]
tasks:
  hello: {run: 'echo hello; touch "$PINION_WORKSPACE/mine"'}
  many: {for_each: {x: [1, 2, 3, 4, 5]}, type: empty}
"""
OTHER = """
workflow: other
tasks:
  hello: {run: echo other}
"""
HOLDS = """
workflow: holds
tasks:
  hold: {run: 'until [ -e "@DIR@/go" ]; do sleep 0.05; done'}
"""


class Deletion(OwnEngineTest):
    def folders(self, engine, runs):
        return [path for run in runs for path in (*engine.data.glob(f"logs/*/{run}"),
                                                  *engine.data.glob(f"workspaces/{run}"))]

    def delete(self, engine, path, headers):
        api = Pinion(engine.data / "pinion.sock")
        with contextlib.closing(api.connection):
            return api.request("DELETE", path, headers=headers)

    def retire(self, engine, name="old.yaml"):
        (engine.workflows / name).unlink()
        workflow = f"t.{name.removesuffix('.yaml')}"
        until(lambda: engine.ctl("describe", workflow)["retired"], f"the end of {workflow}")

    def gone(self, engine, workflow="t.old"):
        """Waits until nothing of it is left but that it was deleted."""
        text = f"a deleted workflow is erased: workflow={workflow}"
        until(lambda: text in engine.log.read_text(encoding="utf-8", errors="replace"), f"the erasure of {workflow}", 60)

    def test_all_of_it_goes_and_all_else_stays(self):
        engine = self.engine({"old.yaml": OLD, "other.yaml": OTHER, "holds.yaml": HOLDS}).start()
        runs = [engine.trigger("t.old") for _ in range(3)]
        kept = engine.trigger("t.other")
        for run in (*runs, kept):
            engine.wait(run)
        backfill = engine.ctl("backfill", "t.old/day", "--from", "2026-01-01", "--to", "2026-01-02")["id"]
        until(lambda: engine.ctl("get", "backfills", backfill)["state"] == "success", "the backfill")
        self.assertEqual(len(self.folders(engine, runs)), 6)
        # Its file is there.
        refused = engine.ctl("delete", "t.old", "--dry-run", code=REFUSED)
        self.assertIn("belongs to the file", refused["refused"][0]["message"])
        self.assertEqual((refused["counts"]["runs"], refused["counts"]["instances"]), (5, 30))
        self.assertEqual(engine.call("delete", "t.old", "-y").returncode, REFUSED)
        held = engine.trigger("t.holds")
        engine.wait_state(held, "hold", "running")
        self.retire(engine, "holds.yaml")
        self.assertIn("1 runs under way", engine.call("delete", "t.holds", "-y").stderr)
        self.retire(engine)
        self.assertEqual(engine.call("delete", "t.old").returncode, REFUSED)  # Nobody to ask.
        done = engine.ctl("delete", "t.old", "-y", "--reason", "replaced")
        self.assertEqual((done["counts"]["runs"], done["refused"]), (5, []))
        for words in (("describe", "t.old"), ("why", "t.old"), ("get", "workflows", "t.old"), ("trigger", "t.old"),
                      ("get", "runs", "--workflow", "t.old"), ("get", "versions", "t.old:v1")):
            with self.subTest(words):
                told = engine.call(*words)
                self.assertEqual(told.returncode, NOT_FOUND, told.stdout + told.stderr)
                self.assertIn("'t.old' was deleted by ", told.stderr)
                self.assertIn("replaced", told.stderr)
        self.gone(engine)
        until(lambda: not self.folders(engine, runs), "the end of its folders")
        self.assertEqual(engine.call("get", "runs", runs[0]).returncode, NOT_FOUND)
        self.assertEqual(engine.call("get", "backfills", backfill).returncode, NOT_FOUND)
        self.assertEqual({one["workflow"] for one in engine.items("runs")}, {"t.other", "t.holds"})
        self.assertEqual(engine.call("logs", kept).returncode, DONE)
        audit = [(one["verb"], one["reason"]) for one in engine.items("audit", "--workflow", "t.old")]
        self.assertIn(("delete", "replaced"), audit)
        self.assertGreaterEqual(len(audit), 4)
        self.assertTrue(engine.ctl("store", "verify")["ok"])
        engine.kill9()
        engine.start()
        self.assertEqual(engine.call("why", "t.old").returncode, NOT_FOUND)
        # The name and its numbers.
        engine.write("old.yaml", OLD)
        until(lambda: engine.call("describe", "t.old").returncode == DONE, "the new t.old")
        self.assertEqual(engine.ctl("describe", "t.old")["version"], 2)
        again = engine.trigger("t.old")
        self.assertGreater(int(again[1:]), max(int(run[1:]) for run in (*runs, kept, held)))
        engine.wait(again)
        self.assertEqual(engine.call("get", "versions", "t.old:v1").returncode, NOT_FOUND)
        (engine.records / "go").touch()
        engine.wait(held)
        self.assertTrue(engine.ctl("store", "verify")["ok"])

    def test_a_kill_at_any_step_leaves_a_deletion_that_goes_on(self):
        engine = self.engine({"old.yaml": OLD, "other.yaml": OTHER})
        gate = engine.home / "gate"
        engine.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        for nth in (1, 2, 3, 4, 6):
            for action in ("kill-before", "kill-after"):
                with self.subTest(nth=nth, action=action):
                    gate.unlink(missing_ok=True)
                    engine.environment["PINION_FAULTS"] = f"engine,write,*/COMMIT,*,{nth},{action},{gate}"
                    engine.write("old.yaml", OLD)
                    engine.start()
                    until(lambda: engine.call("describe", "t.old").returncode == DONE, "t.old")
                    version = engine.ctl("describe", "t.old")["version"]
                    kept = engine.trigger("t.other")
                    runs = [engine.trigger("t.old") for _ in range(20)]
                    for run in (*runs, kept):
                        engine.wait(run)
                    self.retire(engine)
                    gate.touch()
                    path = "/workflows/t.old"
                    key = {"Idempotency-Key": f"delete-{nth}-{action}"}
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        self.assertEqual(self.delete(engine, path, key)[0], 200)
                    # Whatever is committed next brings the kill.
                    until(lambda: engine.process.poll() is not None or
                          (engine.call("note", kept, "x") and False), "the kill")
                    del engine.environment["PINION_FAULTS"]
                    engine.start()
                    status, _, text = self.delete(engine, path, key)
                    code = json.loads(text).get("error", {}).get("code")
                    self.assertIn((status, code), ((200, None), (409, "answer_lost")), text)
                    until(lambda: not any(one["workflow"] == "t.old" for one in engine.items("runs")), "its runs' end")
                    deleted = [one for one in engine.items("audit") if one["verb"] == "delete"]
                    self.assertEqual(len(deleted), len({one["details"].get("version") for one in deleted}))
                    self.assertEqual(engine.run(kept)["state"], "success")
                    # It can come again behind its last version.
                    engine.write("old.yaml", OLD)
                    until(lambda: engine.call("describe", "t.old").returncode == DONE, "the next t.old")
                    self.assertEqual(engine.ctl("describe", "t.old")["version"], version + 1)
                    self.assertTrue(engine.ctl("store", "verify")["ok"])
                    engine.kill9()


if __name__ == "__main__":
    unittest.main()
