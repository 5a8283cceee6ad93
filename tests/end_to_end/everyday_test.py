"""What people do to many things at once, and to what waits."""
import json
import os
import unittest

from harness import DONE, FAILED, NOT_FOUND, REFUSED, USAGE, EngineTest, OwnEngineTest, until

AWAIT = 'for i in $(seq 600); do [ -e "@DIR@/{0}" ] && exit 0; sleep 0.1; done; exit 1'

FILES = f"""
workflow: flaky
labels: {{tier: gold}}
overlap: allow
max_active_runs: 20
tasks:
  load: {{run: 'echo "n=$PINION_ATTEMPT" >> "$PINION_OUTPUT"; [ -e "@DIR@/good" ]'}}
  after: {{needs: load, run: 'true'}}
---
workflow: waits
overlap: allow
max_active_runs: 20
tasks:
  gate: {{run: '{AWAIT.format("never")}'}}
  late: {{needs: gate, run: 'echo late >> @DIR@/late'}}
"""

PROJECT = "project: t\npools: {narrow: 1, wide: 4}\n"

POOLED = f"""
workflow: pooled
overlap: allow
max_active_runs: 20
tasks:
  hold: {{pool: narrow, run: '{AWAIT.format("open")}'}}
---
workflow: order
overlap: allow
max_active_runs: 20
params: {{name: x}}
tasks:
  one: {{pool: narrow, run: 'echo $PINION_RUN >> @DIR@/order'}}
"""


class Many(EngineTest):
    files = {"everyday.yaml": FILES}

    def failed_runs(self, count):
        runs = [self.engine.trigger("t.flaky") for _ in range(count)]
        for run in runs:
            self.engine.wait(run, "failed")
        return runs

    def test_a_selection_is_shown_and_then_done_and_audited(self):
        runs = self.failed_runs(3)
        seen = self.engine.call("rerun", "--state", "failed", "--workflow", "t.flaky")
        self.assertEqual(seen.returncode, REFUSED)
        for run in runs:
            self.assertIn(run, seen.stdout)
            self.assertEqual(self.engine.run(run)["state"], "failed")
        plan = self.engine.ctl("rerun", *runs, "--dry-run")
        names = [item["id"] for each in plan["items"] for item in each["items"]]
        self.assertEqual(sorted(names), sorted(f"{run}/{task}" for run in runs for task in ("load", "after")))
        (self.engine.records / "good").touch()
        try:
            done = self.engine.ctl("rerun", "--state", "failed", "--workflow", "t.flaky", "-l", "tier=gold",
                                   "-y", "--reason", "source is back")
            self.assertGreaterEqual(done["done"], 3)
            for run in runs:
                self.engine.wait(run)
        finally:
            (self.engine.records / "good").unlink()
        audit = self.engine.items("audit", runs[0])
        self.assertIn(("rerun", "source is back"), [(one["verb"], one["reason"]) for one in audit])

    def test_attempts_are_history_with_all_they_had(self):
        (run,) = self.failed_runs(1)
        self.engine.ctl("succeed", f"{run}/load")
        self.engine.ctl("rerun", f"{run}/load", "--only")
        self.engine.wait_state(run, "load", "failed")
        attempts = self.engine.ctl("get", "attempts", f"{run}/load")["items"]
        self.assertEqual([one["number"] for one in attempts], [1, 2])
        for one in attempts:
            self.assertIn("PINION_OUTPUT", one["command"])
            self.assertEqual(one["version"], 1)
            self.assertEqual(one["exit_code"], 1)
        self.assertEqual(attempts[0]["environment_digest"], attempts[1]["environment_digest"])
        first = self.engine.ctl("describe", f"{run}/load#1")
        self.assertEqual(first["rendered"]["env"]["PINION_ATTEMPT"], "1")

    def test_references_go_from_one_command_to_the_next(self):
        runs = [self.engine.trigger("t.waits") for _ in range(2)]
        for run in runs:
            self.engine.wait_state(run, "late", "waiting")
        listed = self.engine.call("get", "instances", "--state", "waiting", "--workflow", "t.waits", "-o", "name")
        done = self.engine.call("skip", "-", "-y", stdin=listed.stdout)
        self.assertEqual(done.returncode, DONE, done.stderr)
        for run in runs:
            self.engine.wait_state(run, "late", "skipped")
        seen = self.engine.call("cancel", runs[0], "r999999", runs[1], "-y", "-o", "json")
        self.assertEqual(seen.returncode, NOT_FOUND)
        told = json.loads(seen.stdout)
        self.assertEqual((told["done"], told["failed"]), (2, 1))
        for run in runs:
            self.engine.wait(run, "cancelled")

    def test_a_dropped_upstream_lets_one_instance_go_on(self):
        run = self.engine.trigger("t.waits")
        self.engine.wait_state(run, "gate", "running")
        self.assertEqual(self.engine.call("unblock", f"{run}/late", "--upstream", "nobody").returncode, NOT_FOUND)
        self.engine.ctl("unblock", f"{run}/late", "--upstream", "gate", "--reason", "not needed today")
        self.engine.wait_state(run, "late", "success")
        self.assertEqual(self.engine.states(run)["gate"], "running")
        audit = self.engine.items("audit", f"{run}/late")
        self.assertEqual([(one["verb"], one["details"]["dropped"]) for one in audit], [("unblock", ["gate"])])
        self.engine.ctl("cancel", run)
        self.engine.wait(run, "cancelled")

    def test_a_note_stands_on_the_run(self):
        (run,) = self.failed_runs(1)
        self.engine.ctl("note", run, "the source was late")
        self.assertEqual(self.engine.ctl("describe", run)["note"], "the source was late")
        self.assertEqual(self.engine.run(run)["state"], "failed")


class Edits(OwnEngineTest):
    def test_priority_and_pool_of_what_waits_are_edited_over_a_restart(self):
        engine = self.engine({"pinion.yaml": PROJECT, "pooled.yaml": POOLED}).start()
        holder = engine.trigger("t.pooled")
        engine.wait_state(holder, "hold", "running")
        first, second, third = (engine.trigger("t.order") for _ in range(3))
        for run in (first, second, third):
            engine.wait_state(run, "one", "pre_ready")
        engine.ctl("bump", f"{second}/one", "--reason", "boss asks")
        self.assertEqual(engine.call("move", f"{third}/one", "--pool", "nowhere").returncode, NOT_FOUND)
        self.assertEqual(engine.call("bump", f"{first}/one", "--priority", "11").returncode, USAGE)
        engine.kill9()
        engine.start()
        self.assertEqual(engine.instances(second)["one"]["priority"], 10)
        engine.ctl("move", f"{third}/one", "--pool", "wide=2")
        engine.wait(third)
        self.assertEqual(engine.instances(third)["one"]["pool"], "wide")
        (engine.records / "open").touch()
        for run in (first, second):
            engine.wait(run)
        self.assertEqual(engine.record("order"), [third, second, first])


CHAIN = """
workflow: source
triggers: [{id: daily, cron: "0 0 1 1 *"}]
tasks:
  a: {run: 'echo $PINION_RUN a >> @DIR@/chain'}
  b: {needs: a, run: 'true'}
---
workflow: sums
triggers: [{id: daily, cron: "0 0 1 1 *"}]
tasks:
  sum: {needs: [{task: t.source.b, slot: same_slot}], run: 'echo $PINION_RUN sum >> @DIR@/chain'}
  other: {run: 'echo $PINION_RUN other >> @DIR@/chain'}
---
workflow: mail
triggers: [{id: daily, cron: "0 0 1 1 *"}]
tasks:
  send: {needs: [{task: t.sums.sum, slot: same_slot}], run: 'echo $PINION_RUN send >> @DIR@/chain'}
"""


class Across(OwnEngineTest):
    def test_a_rerun_goes_over_workflows_upstream_first(self):
        engine = self.engine({"chain.yaml": CHAIN}).start()
        runs = {}
        for workflow in ("source", "sums", "mail"):
            engine.ctl("backfill", f"t.{workflow}/daily", "--from", "2026-01-01", "--to", "2026-01-01")
            found = until(lambda name=workflow: engine.items("runs", "--workflow", f"t.{name}"), f"the run of {workflow}")
            runs[workflow] = found[0]["id"]
            engine.wait(runs[workflow])
        before = len(engine.record("chain"))
        plan = engine.ctl("rerun", f"{runs['source']}/a", "--downstream=all", "--dry-run")
        self.assertEqual({item["id"] for item in plan["items"]},
                         {f"{runs['source']}/a", f"{runs['source']}/b", f"{runs['sums']}/sum", f"{runs['mail']}/send"})
        self.assertEqual(len(engine.record("chain")), before)
        done = engine.ctl("rerun", f"{runs['source']}/a", "--downstream=all")
        self.assertEqual([one["run"] for one in done["runs"]], [runs["source"], runs["sums"], runs["mail"]])
        for run in runs.values():
            engine.wait(run)
        self.assertEqual(engine.record("chain")[before:],
                         [f"{runs['source']} a", f"{runs['sums']} sum", f"{runs['mail']} send"])


class Trying(OwnEngineTest):
    def test_a_run_goes_on_with_the_mended_definition(self):
        text = "workflow: broken\ntasks:\n  a: {run: echo a >> @DIR@/broken}\n  b: {needs: a, run: exit 4}\n"
        engine = self.engine({"broken.yaml": text}).start()
        run = engine.trigger("t.broken")
        engine.wait(run, "failed")
        engine.write("broken.yaml", text.replace("exit 4", "echo b >> @DIR@/broken")
                     + "  c: {needs: b, run: echo c >> @DIR@/broken}\n")
        until(lambda: engine.ctl("get", "workflows", "t.broken")["version"] == 2, "version 2")
        engine.ctl("rerun", run)
        engine.wait(run, "failed")
        plan = engine.ctl("rerun", run, "--version", "latest", "--dry-run")
        self.assertEqual({item["id"] for item in plan["items"]}, {f"{run}/b"})
        engine.ctl("rerun", run, "--version", "latest", "--reason", "mended")
        seen = engine.wait(run)
        self.assertEqual(set(seen), {"a", "b", "c"})
        self.assertEqual(engine.record("broken"), ["a", "b", "c"])
        attempts = engine.ctl("get", "attempts", f"{run}/b")["items"]
        self.assertEqual([one["version"] for one in attempts], [1, 1, 2])
        self.assertEqual(engine.run(run)["version"], 2)
        engine.kill9()
        engine.start()
        self.assertEqual(engine.states(run), {"a": "success", "b": "success", "c": "success"})

    def test_a_definition_is_run_once_and_is_history(self):
        engine = self.engine({"one.yaml": "workflow: one\ntasks: {a: {type: empty}}\n"}).start()
        path = engine.home / "dag.yaml"
        path.write_text("workflow: dag\nparams: {n: 1}\ntasks: {a: {run: 'echo n is {{ params.n }}'}}\n")
        done = engine.call("run", path, "--param", "n=3", "-f")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("n is 3", done.stdout)
        run = engine.items("runs")[0]
        self.assertEqual((run["state"], run["params"]), ("success", {"n": 3}))
        self.assertEqual([one["workflow"] for one in engine.items("workflows")], ["one"])
        engine.kill9()
        engine.start()
        self.assertEqual(engine.run(run["id"])["state"], "success")
        path.write_text("workflow: dag\ntasks: {a: {run: exit 1}}\n")
        self.assertEqual(engine.call("run", path, "-f").returncode, FAILED)

    def test_render_masks_secrets_and_test_leaves_no_trace(self):
        engine = self.engine({
            "pinion.yaml": "project: t\nsecrets: {pwd: {env: E2E_PWD}}\n",
            "secret.yaml": "workflow: secret\ntasks:\n  a:\n    env: {PWD_IS: '{{ secrets.pwd }}'}\n"
                           "    run: test \"$PWD_IS\" = hush && echo known\n"})
        engine.environment["E2E_PWD"] = "hush"
        engine.start()
        shown = engine.ctl("render", "t.secret.a")["items"][0]
        self.assertEqual(shown["env"]["PWD_IS"], "***")
        os.environ["E2E_PWD"] = "hush"
        self.addCleanup(os.environ.pop, "E2E_PWD")
        tried = engine.call("test", "t.secret", "a")
        self.assertEqual((tried.returncode, tried.stdout), (DONE, "known\n"))
        self.assertEqual(engine.items("runs"), [])


if __name__ == "__main__":
    unittest.main()
