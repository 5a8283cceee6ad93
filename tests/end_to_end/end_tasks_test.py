"""The end of a run: `on_failure` and `on_success` tasks of a workflow, as its people and the workflows that wait for it see them."""
import json
import unittest

from harness import REFUSED, EngineTest, until

FILES = f"""
workflow: orders
max_active_runs: 10
overlap: allow
params: {{code: 0, gate: none}}
on_failure: [{{alert: page}}, {{task: clean_up}}, {{task: report}}]
on_success: [{{alert: page}}, {{task: report}}]
tasks:
  load: {{run: 'echo path=/tmp/x >> "$PINION_OUTPUT"'}}
  sum: {{needs: load, env: {{CODE: "{{{{ params.code }}}}"}}, run: 'exit $CODE'}}
  clean_up:
    env: {{GATE: "@DIR@/{{{{ params.gate }}}}"}}
    grace: 1s
    run: |
      [ "$GATE" = "@DIR@/none" ] || for i in $(seq 600); do [ -e "$GATE" ] && break; sleep 0.1; done
      echo "removed {{{{ inputs.load.path }}}}" >> "@DIR@/$PINION_RUN"
  report: {{run: 'echo "{{{{ run.outcome }}}} {{{{ run.reason }}}} $PINION_RUN_OUTCOME $PINION_RUN_FAILED" >> "@DIR@/$PINION_RUN"'}}
---
workflow: caller
tasks:
  call: {{type: workflow, workflow: orders, params: {{code: 1, gate: called}}}}
---
workflow: careless
on_success: [{{task: announce}}]
tasks:
  work: {{type: empty}}
  announce: {{run: exit 4}}
"""


class EndTasks(EngineTest):
    files = {"pinion.yaml": "channels: {page: {command: [bash, -c, 'cat >> @DIR@/alarms.json']}}\n",
             "orders.yaml": FILES}

    def alarms(self, run_id):
        """Returns the alarms about the run that its channel got."""
        path = self.engine.records / "alarms.json"
        lines = path.read_text().splitlines() if path.exists() else []
        return [one for one in map(json.loads, lines) if one["run"] == run_id]

    def test_the_outcome_chooses(self):
        run_id, seen = self.finish("t.orders")
        self.assertEqual((seen["clean_up"]["state"], seen["clean_up"]["reason"]),
                         ("skipped", "end_not_needed"))
        self.assertEqual(self.engine.record(run_id), ["success all_done success "])
        run_id, seen = self.finish("t.orders", "--param", "code=3", state="failed")
        self.assertEqual(sorted(self.engine.record(run_id)),
                         ["failed tasks_failed failed sum", "removed /tmp/x"])

    def test_the_run_has_ended_when_its_end_tasks_have(self):
        run_id = self.engine.trigger("t.orders", "--param", "code=1", "--param", "gate=late")
        self.engine.wait_state(run_id, "clean_up", "running")
        self.engine.wait_state(run_id, "report", "success")
        run = self.engine.run(run_id)
        self.assertEqual((run["state"], run["reason"], run["outcome"], run["ended_at"]),
                         ("running", "ending_failed", "failed", None))
        until(lambda: self.alarms(run_id), "the alarm, which waits for nothing")
        self.engine.kill9()
        self.engine.start()
        self.assertEqual(self.engine.run(run_id)["outcome"], "failed")
        (self.engine.records / "late").touch()
        self.engine.wait(run_id, "failed")
        self.assertEqual(sorted(self.engine.record(run_id)),
                         ["failed tasks_failed failed sum", "removed /tmp/x"])
        told = self.alarms(run_id)
        self.assertEqual([(one["kind"], one["state"], one["reason"]) for one in told],
                         [("failure", "failed", "tasks_failed")])

    def test_who_calls_waits_for_the_end_tasks(self):
        caller = self.engine.trigger("t.caller")
        called = until(lambda: self.engine.instances(caller)["call"]["called"], "the called run")
        self.engine.wait_state(called, "clean_up", "running")
        self.assertEqual(self.engine.states(caller)["call"], "running")
        (self.engine.records / "called").touch()
        self.engine.wait(caller, "failed")

    def test_a_cancel_ends_them(self):
        run_id = self.engine.trigger("t.orders", "--param", "code=1", "--param", "gate=never")
        self.engine.wait_state(run_id, "clean_up", "running")
        self.engine.ctl("cancel", run_id)
        seen = self.engine.wait(run_id, "failed")
        self.assertEqual(seen["clean_up"]["state"], "cancelled")

    def test_a_rerun_decides_them_anew(self):
        run_id = self.engine.trigger("t.orders", "--param", "code=1", "--param", "gate=again")
        self.engine.wait_state(run_id, "clean_up", "running")
        self.engine.ctl("rerun", f"{run_id}/sum", code=REFUSED)
        self.engine.ctl("succeed", f"{run_id}/sum")
        (self.engine.records / "again").touch()
        self.engine.wait(run_id)
        self.engine.ctl("rerun", f"{run_id}/load", "--only")
        seen = self.engine.wait(run_id)
        self.assertEqual((seen["clean_up"]["state"], seen["clean_up"]["attempt"]), ("skipped", 1))
        self.assertEqual(self.engine.record(run_id)[-1], "success all_done success ")

    def test_why_and_the_graph_tell_of_them(self):
        run_id = self.engine.trigger("t.orders", "--param", "code=1", "--param", "gate=told")
        self.engine.wait_state(run_id, "clean_up", "running")
        graph = {node["task"]: node for node in self.engine.ctl("graph", run_id)["nodes"]}
        self.assertEqual(graph["report"]["end_of"], ["failed", "success"])
        self.assertGreater(graph["report"]["level"], graph["sum"]["level"])
        why = self.engine.ctl("why", f"{run_id}/clean_up")
        self.assertIn("end", [one["kind"] for one in why["because"]])
        (self.engine.records / "told").touch()
        self.engine.wait(run_id, "failed")

    def test_one_that_fails_is_named(self):
        run_id, seen = self.finish("t.careless")
        self.assertEqual(seen["announce"]["state"], "failed")
        run = self.engine.run(run_id)
        self.assertEqual(run["message"], "its end task did not succeed: announce")
        events = self.engine.ctl("get", "events", run_id)["items"]
        last = [one for one in events if one["ref"] == run_id][-1]
        self.assertEqual((last["event"], last["message"]), ("success", run["message"]))


if __name__ == "__main__":
    unittest.main()
