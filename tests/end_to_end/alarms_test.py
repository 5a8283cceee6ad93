"""Alarms on failure, success and fallback, through the channels `log` and `command`."""
import json
import unittest

from harness import EngineTest, OwnEngineTest, until

PROJECT = """
project: ops
channels:
  book: {log: true}
  page: {command: [/bin/sh, -c, "cat >> @DIR@/page"]}
  both: {log: true, command: [/bin/sh, -c, "cat >> @DIR@/both"]}
  fallbacks: {command: [/bin/sh, -c, "cat >> @DIR@/fallbacks"]}
  broken: {command: [/bin/sh, -c, "cat >> @DIR@/broken; exit 3"]}
  slow: {command: [/bin/sh, -c, "cat >> @DIR@/slow.begun; while [ ! -e @DIR@/go ]; do sleep 0.05; done; echo sent >> @DIR@/slow"]}
"""

WORKFLOWS = """
workflow: fails
on_failure: [{alert: page}, {alert: book}]
on_success: [{alert: both}]
tasks:
  wrong: {run: exit 7, on_failure: [{alert: page}], on_success: [{alert: both}]}
  after: {needs: wrong, run: "true", on_failure: [{alert: page}]}
---
workflow: works
on_failure: [{alert: page}]
on_success: [{alert: both}]
tasks:
  right: {run: "true", on_success: [{alert: both}], on_failure: [{alert: page}]}
---
workflow: backed
on_failure: [{alert: page}]
on_fallback: [{alert: both}, {alert: fallbacks}]
tasks:
  model: {run: exit 1, fallback: former, on_fallback: [{alert: both}], on_failure: [{alert: page}]}
  former: {run: "true"}
---
workflow: fan
tasks:
  each:
    for_each: {n: [1, 2, 3]}
    run: test {{ n }} != 2
    on_failure: [{alert: page}]
---
workflow: unreachable
tasks: {wrong: {run: exit 1, on_failure: [{alert: broken}]}}
"""


class Alarms(EngineTest):
    files = {"pinion.yaml": PROJECT, "alarms.yaml": WORKFLOWS}

    def told(self, record, run_id, count):
        """Waits for `count` alarms about the run in a record; returns them."""
        def look():
            told = [json.loads(line) for line in self.engine.record(record)]
            mine = [alarm for alarm in told if alarm["run"] == run_id]
            return len(mine) >= count and mine
        found = until(look, f"{count} alarms of {run_id} in {record}")
        self.assertEqual(len(found), count, found)
        return found

    def logged(self, run_id):
        """Returns the alarms about the run that stand in the engine's log, with their channels."""
        found = []
        for line in self.engine.log.read_text(errors="replace").splitlines():
            if "alarm: channel=" in line and f'"run":"{run_id}"' in line:
                channel, _, alarm = line.partition("channel=")[2].partition(" alarm=")
                found.append((channel, json.loads(alarm)))
        return found

    def test_a_failure_is_told_of_the_task_and_of_the_run(self):
        run_id, _ = self.finish("ops.fails", state="failed")
        told = self.told("page", run_id, 2)
        of_tasks = {alarm["task"]: alarm for alarm in told if "task" in alarm}
        # What only an upstream's failure kept from running is no failure of its own.
        self.assertEqual(set(of_tasks), {"wrong"})
        self.assertEqual((of_tasks["wrong"]["state"], of_tasks["wrong"]["attempt"]), ("failed", 1))
        self.assertIn("7", of_tasks["wrong"]["message"])
        of_run = [alarm for alarm in told if "task" not in alarm]
        self.assertEqual([(a["kind"], a["workflow"], a["state"]) for a in of_run],
                         [("failure", "ops.fails", "failed")])
        until(lambda: self.logged(run_id), "the alarm in the log")
        self.assertEqual([channel for channel, _ in self.logged(run_id)], ["ops.book"])

    def test_a_success_is_told_by_both_ways_of_a_channel(self):
        run_id, _ = self.finish("ops.works")
        told = self.told("both", run_id, 2)
        self.assertEqual([alarm["kind"] for alarm in told], ["success", "success"])
        self.assertEqual(sorted(alarm.get("task", "") for alarm in told), ["", "right"])
        self.assertEqual([channel for channel, _ in self.logged(run_id)], ["ops.both", "ops.both"])

    def test_a_fallback_is_told_and_covers_the_failure_of_the_run(self):
        run_id, _ = self.finish("ops.backed")
        for record in ("both", "fallbacks"):
            told = self.told(record, run_id, 1)
            self.assertEqual([(alarm["kind"], alarm["task"]) for alarm in told],
                             [("fallback", "former")])
        failures = self.told("page", run_id, 1)
        self.assertEqual((failures[0]["kind"], failures[0]["task"]), ("failure", "model"))

    def test_an_element_of_a_fan_out_is_named(self):
        run_id, _ = self.finish("ops.fan", state="failed")
        self.assertEqual([alarm["index"] for alarm in self.told("page", run_id, 1)], ["2"])

    def test_a_command_that_fails_is_tried_again_and_then_given_up_aloud(self):
        run_id, _ = self.finish("ops.unreachable", state="failed")
        self.told("broken", run_id, 3)
        until(lambda: "the alarm is given up" in self.engine.log.read_text(), "the end of the tries")
        self.told("broken", run_id, 3)


class AlarmsOverKills(OwnEngineTest):
    def test_an_alarm_that_was_owed_is_sent_once_after_a_kill(self):
        engine = self.engine({"pinion.yaml": PROJECT, "slow.yaml": """
workflow: slow
tasks: {wrong: {run: exit 1, on_failure: [{alert: slow}]}}
"""}).start()
        run_id = engine.trigger("ops.slow")
        engine.wait(run_id, "failed")
        until(lambda: engine.record("slow.begun"), "the command of the channel")
        engine.kill9()
        engine.start()
        (engine.records / "go").touch()
        until(lambda: engine.record("slow"), "the alarm")
        engine.terminate()
        engine.start()
        self.assertEqual(engine.wait(run_id, "failed")["wrong"]["state"], "failed")
        self.assertEqual((len(engine.record("slow.begun")), engine.record("slow")), (1, ["sent"]))


if __name__ == "__main__":
    unittest.main()
