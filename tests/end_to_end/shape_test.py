"""Which tasks of a run go on: switches, setups and teardowns, failure strategies."""
import unittest

from harness import NOT_FOUND, REFUSED, USAGE, EngineTest, until

AWAIT = 'for i in $(seq 600); do [ -e "@DIR@/{0}" ] && exit 0; sleep 0.1; done; exit 1'

FILES = f"""
workflow: route
max_active_runs: 10
params: {{kind: full}}
tasks:
  read: {{run: 'echo "kind={{{{ params.kind }}}}" > "$PINION_OUTPUT"'}}
  route:
    type: switch
    needs: read
    on: "{{{{ inputs.read.kind }}}}"
    cases: {{full: [rebuild, publish], delta: merge}}
    default: report
  rebuild: {{run: 'true'}}
  publish: {{needs: rebuild, run: 'true'}}
  merge: {{run: 'true'}}
  report: {{run: 'true'}}
  always: {{needs: route, run: 'true'}}
  join: {{needs: [rebuild, merge, report], join: none_failed_min_one_success, run: 'true'}}
---
workflow: cluster
timeout: 1h
params: {{name: x, work: 'true'}}
tasks:
  create: {{run: 'echo created >> "@DIR@/{{{{ params.name }}}}"', setup: true}}
  work: {{needs: create, grace: 1s, env: {{WORK: "{{{{ params.work }}}}"}}, run: 'eval "$WORK"'}}
  score: {{needs: work, run: 'true'}}
  drop:
    needs: score
    teardown: create
    env: {{NAME: "@DIR@/{{{{ params.name }}}}"}}
    run: |
      for i in $(seq 600); do [ -e "$NAME.hold" ] || break; sleep 0.1; done
      echo dropped >> "$NAME"
---
workflow: impatient
timeout: 1s
tasks:
  create: {{run: 'true', setup: true}}
  work: {{needs: create, grace: 1s, run: sleep 300}}
  drop: {{needs: work, teardown: create, run: 'echo dropped >> @DIR@/impatient'}}
---
workflow: stops
failure: cancel
tasks:
  long: {{grace: 1s, run: sleep 300}}
  bad: {{run: exit 1}}
---
workflow: finishes
failure: finish_running
tasks:
  long: {{run: '{AWAIT.format("finish")}'}}
  later: {{needs: long, run: 'true'}}
  bad: {{run: exit 1}}
---
workflow: joined
max_active_runs: 10
params: {{code: 0}}
tasks:
  load: {{run: 'true'}}
  check: {{env: {{CODE: "{{{{ params.code }}}}"}}, run: 'exit $CODE'}}
  repair: {{needs: [load, check], join: load.success && check.failed, run: 'true'}}
  go_on: {{needs: [repair, check], join: repair.success || check.success, run: 'true'}}
---
workflow: narrow
max_active_runs: 10
max_active_tasks: 2
tasks:
  one: {{max_active: 1, run: '{AWAIT.format("narrow")}'}}
  other: {{for_each: {{i: [1, 2, 3]}}, run: '{AWAIT.format("narrow")}'}}
---
workflow: single
max_active_runs: 10
tasks:
  one: {{max_active: 1, run: '{AWAIT.format("single")}'}}
---
workflow: pooled
tasks:
  one: {{for_each: {{i: [1, 2, 3, 4]}}, pool: gate, run: '{AWAIT.format("pooled")}'}}
---
workflow: virtual_machine
tasks:
  java: {{type: java, jar: x.jar, jvm: [-Xmx1g], args: ["a b", "{{{{ run.id }}}}"], cwd: "@DIR@", env: {{PATH: "@DIR@:/bin"}}}}
"""


class Shape(EngineTest):
    files = {"pinion.yaml": "pools: {gate: 1}\n", "shape.yaml": FILES}

    def test_a_switch_chooses(self):
        for kind, chosen in (("full", {"rebuild", "publish"}), ("delta", {"merge"}), ("odd", {"report"})):
            run_id, seen = self.finish("t.route", "--param", f"kind={kind}", "--ignore-overlap")
            ran = {name for name, one in seen.items() if one["state"] == "success"}
            self.assertEqual(ran, chosen | {"read", "route", "always", "join"}, kind)
            self.assertIn(f'"{kind}" chose', seen["route"]["message"])
            left_out = "merge" if kind != "delta" else "rebuild"
            self.assertEqual((seen[left_out]["state"], seen[left_out]["reason"]),
                             ("skipped", "not_chosen"))
            why = self.engine.ctl("why", f"{run_id}/{left_out}")
            self.assertIn("switch", str(why))

    def test_a_teardown_runs_after_success_and_failure(self):
        for work, state in (("true", "success"), ("exit 3", "failed")):
            name = f"after_{state}"
            _, seen = self.finish("t.cluster", "--param", f"name={name}", "--param", f"work={work}",
                                  state=state)
            self.assertEqual(seen["drop"]["state"], "success")
            self.assertEqual(self.engine.record(name), ["created", "dropped"])

    def test_a_teardown_runs_after_a_cancel(self):
        run_id = self.engine.trigger("t.cluster", "--param", "name=cancel", "--param", "work=sleep 300")
        self.engine.wait_state(run_id, "work", "running")
        self.engine.ctl("cancel", run_id)
        seen = self.engine.wait(run_id, "cancelled")
        self.assertEqual({name: one["state"] for name, one in seen.items()},
                         {"create": "success", "work": "cancelled", "score": "cancelled",
                          "drop": "success"})
        self.assertEqual(self.engine.record("cancel"), ["created", "dropped"])

    def test_cancel_now_ends_the_teardown_too(self):
        hold = self.engine.records / "now.hold"
        hold.touch()
        run_id = self.engine.trigger("t.cluster", "--param", "name=now")
        self.engine.wait_state(run_id, "drop", "running")
        self.engine.ctl("cancel", run_id)
        self.engine.ctl("cancel", run_id, code=REFUSED)
        self.assertEqual(self.engine.states(run_id)["drop"], "running")
        self.engine.ctl("cancel", run_id, "--now")
        self.assertEqual(self.engine.wait(run_id, "cancelled")["drop"]["state"], "cancelled")
        self.assertEqual(self.engine.record("now"), ["created"])

    def test_a_teardown_runs_after_the_timeout_of_its_run(self):
        _, seen = self.finish("t.impatient", state="failed")
        self.assertEqual((seen["work"]["reason"], seen["drop"]["state"]), ("run_timeout", "success"))
        self.assertEqual(self.engine.record("impatient"), ["dropped"])

    def test_a_rerun_of_the_work_sets_up_again(self):
        run_id, _ = self.finish("t.cluster", "--param", "name=again")
        self.engine.ctl("rerun", f"{run_id}/work", "--only")
        self.engine.wait(run_id)
        self.assertEqual(self.engine.record("again"), ["created", "dropped", "created", "dropped"])

    def test_failure_cancel_stops_what_runs(self):
        _, seen = self.finish("t.stops", state="failed")
        self.assertEqual((seen["long"]["state"], seen["long"]["reason"]),
                         ("cancelled", "failure_strategy"))

    def test_failure_finish_running_begins_nothing(self):
        run_id = self.engine.trigger("t.finishes")
        self.engine.wait_state(run_id, "later", "cancelled")
        self.assertEqual(self.engine.states(run_id)["long"], "running")
        (self.engine.records / "finish").touch()
        seen = self.engine.wait(run_id, "failed")
        self.assertEqual(seen["long"]["state"], "success")
        until(lambda: self.engine.run(run_id)["reason"] == "tasks_failed", "the run's reason")

    def test_joins_by_condition(self):
        for code, states in ((0, {"repair": "skipped", "go_on": "success"}),
                             (1, {"repair": "success", "go_on": "success"})):
            _, seen = self.finish("t.joined", "--param", f"code={code}", "--ignore-overlap",
                                  state="failed" if code else "success")
            self.assertEqual({name: seen[name]["state"] for name in states}, states, code)

    def test_limits_of_workflow_and_task_hold_over_runs_and_restarts(self):
        narrow = self.engine.trigger("t.narrow")
        singles = [self.engine.trigger("t.single", "--ignore-overlap") for _ in range(2)]
        alive = ("ready", "running")

        def counts(runs):
            states = [state for run in runs for state in self.engine.states(run).values()]
            return sum(state in alive for state in states), states.count("pre_ready")

        until(lambda: counts([narrow]) == (2, 2), "two of four")
        until(lambda: counts(singles) == (1, 1), "one of two")
        waits = next(f"{run}/one" for run in singles if self.engine.states(run)["one"] == "pre_ready")
        why = self.engine.ctl("why", waits)["blocked_by"][0]
        self.assertEqual((why["kind"], why["ref"]), ("limit", "max_active of t.single.one"))
        self.engine.kill9()
        self.engine.start()
        self.assertEqual(counts([narrow])[0], 2)
        self.assertEqual(counts(singles), (1, 1))
        for gate in ("narrow", "single"):
            (self.engine.records / gate).touch()
        for run in (narrow, *singles):
            self.engine.wait(run)

    def test_java_is_executed_without_a_shell(self):
        stub = self.engine.records / "java"
        stub.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done > seen\n')
        stub.chmod(0o755)
        run_id, _ = self.finish("t.virtual_machine")
        self.assertEqual(self.engine.record("seen"), ["-Xmx1g", "-jar", "x.jar", "a b", run_id])

    def test_a_pool_is_set_and_reset_while_the_engine_runs(self):
        run_id = self.engine.trigger("t.pooled")

        def counts():
            states = list(self.engine.states(run_id).values())
            return states.count("running"), states.count("pre_ready")

        def pool():
            return next(one for one in self.engine.items("pools") if one["pool"] == "gate")

        until(lambda: counts() == (1, 3), "one permit")
        held = self.engine.items("permits", "--run", run_id)
        self.assertEqual((len(held), held[0]["pool"]), (1, "gate"))
        self.assertIsNotNone(held[0]["since"])
        self.engine.ctl("pool", "set", "t.gate", "3", "--reason", "night")
        until(lambda: counts() == (3, 1), "three permits")
        self.engine.kill9()
        self.engine.start()
        self.assertEqual(pool()["capacity"], 3)
        self.assertEqual((pool()["declared"], pool()["set"]["reason"]), (1, "night"))
        self.write_settings("pools: {gate: 2}\n")
        until(lambda: pool()["declared"] == 2, "the edited file")
        self.assertEqual(pool()["capacity"], 3)
        self.engine.ctl("pool", "reset", "gate")
        self.assertEqual((pool()["capacity"], pool()["used"], pool()["set"]), (2, 3, None))
        verbs = [one["verb"] for one in self.engine.items("audit") if one["object"] == "t.gate"]
        self.assertEqual(sorted(verbs), ["pool reset", "pool set"])
        self.engine.ctl("pool", "set", "nowhere", "3", code=NOT_FOUND)
        self.assertEqual(self.engine.call("pool", "set", "gate", "many").returncode, USAGE)
        (self.engine.records / "pooled").touch()
        self.engine.wait(run_id)

    def write_settings(self, text):
        self.engine.write("pinion.yaml", text)


if __name__ == "__main__":
    unittest.main()
