"""Kill what you like: nothing is lost, nothing is started twice."""
import collections
import os
import time
import unittest

from harness import DONE, OwnEngineTest, parent_of, processes_with, until

RECORD = 'echo "$PINION_TASK:$PINION_INDEX#$PINION_ATTEMPT" >> @DIR@/starts'

PIPELINE = f"""
workflow: pipeline
tasks:
  first:  {{run: '{RECORD}; sleep 0.3; echo "n=1" >> "$PINION_OUTPUT"'}}
  wide:
    needs: first
    for_each: {{x: {{of: [1, 2, 3, 4, 5, 6, 7, 8], max_parallel: 3}}}}
    run: '{RECORD}; sleep 0.4'
  flaky:
    needs: first
    retry: {{max: 3, delay: 300ms, on_exit: [75]}}
    run: '{RECORD}; sleep 0.2; [ "$PINION_ATTEMPT" -ge 3 ] || exit 75'
  bad:    {{needs: first, fallback: good, run: '{RECORD}; sleep 0.3; exit 1'}}
  good:   {{run: '{RECORD}; sleep 0.3'}}
  called: {{needs: first, type: workflow, workflow: inner}}
  last:   {{needs: [wide, flaky, bad, called], run: '{RECORD}'}}
---
workflow: inner
tasks:
  deep: {{run: '{RECORD}; sleep 0.5'}}
---
workflow: long
tasks:
  wait:
    grace: 1s
    retry: {{max: 0, delay: 1s}}
    run: |
      echo "$PINION_ATTEMPT" >> @DIR@/long
      for i in $(seq 600); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
      exit 1
  after: {{needs: wait, run: 'true'}}
"""

STORM = f"""
workflow: storm
tasks:
  first: {{run: '{RECORD}'}}
  wide:
    needs: first
    for_each: {{x: [{", ".join(map(str, range(30)))}]}}
    checks: [{{command: 'true'}}]
    run: '{RECORD}; sleep 0.1'
  again:
    needs: first
    retry: {{max: 2, delay: 200ms}}
    run: '{RECORD}; [ "$PINION_ATTEMPT" -ge 3 ]'
  nothing: {{needs: wide, type: empty}}
  last: {{needs: [nothing, again], run: '{RECORD}'}}
"""


class Crash(OwnEngineTest):
    def assert_each_attempt_started_once(self, engine, wanted):
        starts = collections.Counter(engine.record("starts"))
        self.assertEqual({one: count for one, count in starts.items() if count != 1}, {})
        self.assertEqual(set(starts), set(wanted))

    def test_an_engine_killed_many_times_finishes_its_run(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        run_id = engine.trigger("t.pipeline")
        # Each kill comes after further starts were seen, so that all phases are hit.
        for enough in (1, 3, 5, 8, 10):
            until(lambda n=enough: len(engine.record("starts")) >= n, f"{enough} starts")
            engine.kill9()
            engine.start()
        seen = engine.wait(run_id)
        self.assertEqual(seen["flaky"]["attempt"], 3)
        self.assertEqual(seen["good"]["state"], "success")
        self.assert_each_attempt_started_once(
            engine, ["first:#1", *(f"wide:{i}#1" for i in range(1, 9)), "flaky:#1", "flaky:#2",
                     "flaky:#3", "bad:#1", "good:#1", "deep:#1", "last:#1"])

    def test_kills_at_any_moment_lose_and_double_nothing(self):
        engine = self.engine({"storm.yaml": STORM}).start()
        run_id = engine.trigger("t.storm")
        # Some of the pauses end within the start that went before.
        for pause in (0.05, 0.4, 0.1, 0.6, 0.02, 0.3, 0.8):
            time.sleep(pause)
            engine.kill9()
            engine.launch()
        engine.kill9()
        engine.start()
        seen = engine.wait(run_id, seconds=120)
        self.assertEqual({one["attempt"] for name, one in seen.items() if name != "again"}, {1})
        self.assert_each_attempt_started_once(
            engine, ["first:#1", *(f"wide:{i}#1" for i in range(30)), "again:#1", "again:#2",
                     "again:#3", "last:#1"])

    def test_sigterm_leaves_tasks_running_and_a_restart_adopts_them(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        run_id = engine.trigger("t.long")
        until(lambda: engine.record("long"), "the task")
        # The script itself, not the short sleeps that come and go in it: the launcher's own child.
        launcher = engine.launcher()
        task = {pid for pid in processes_with(f"PINION_WORKSPACE={engine.data}")
                if parent_of(pid) == launcher}
        self.assertTrue(task)
        self.assertEqual(engine.terminate(), DONE)
        self.assertTrue(all(os.path.exists(f"/proc/{pid}") for pid in task))
        engine.start()
        engine.wait_state(run_id, "wait", "running")
        (engine.records / "open").touch()
        engine.wait(run_id)
        self.assertEqual(engine.record("long"), ["1"])

    def test_a_task_that_ends_while_the_engine_is_down_keeps_its_result(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        run_id = engine.trigger("t.long")
        until(lambda: engine.record("long"), "the task")
        engine.kill9()
        (engine.records / "open").touch()
        until(lambda: not processes_with(f"PINION_WORKSPACE={engine.data}"), "the end of the task")
        engine.start()
        engine.wait(run_id)
        self.assertEqual(engine.record("long"), ["1"])

    def test_the_loss_of_the_launcher_takes_a_new_attempt_and_no_retry(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        run_id = engine.trigger("t.long")
        until(lambda: engine.record("long"), "the task")
        first = set(processes_with(f"PINION_WORKSPACE={engine.data}"))
        os.kill(engine.launcher(), 9)
        until(lambda: engine.record("long") == ["1", "2"], "the second attempt")
        self.assertFalse(first & set(processes_with(f"PINION_WORKSPACE={engine.data}")))
        (engine.records / "open").touch()
        self.assertEqual(engine.wait(run_id)["wait"]["attempt"], 2)

    def test_shutdown_can_stop_the_tasks_too(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        engine.trigger("t.long")
        until(lambda: engine.record("long"), "the task")
        self.assertEqual(engine.call("shutdown", "--tasks", "stop").returncode, DONE)
        self.assertEqual(engine.process.wait(timeout=30), DONE)
        until(lambda: not processes_with(f"PINION_WORKSPACE={engine.data}"), "the end of the task")

    def test_what_was_acknowledged_is_there_after_a_kill(self):
        engine = self.engine({"pipeline.yaml": PIPELINE}).start()
        engine.ctl("hold")
        engine.ctl("pause", "t.inner", "--reason", "kept over a crash")
        run_id = engine.trigger("t.inner", "--key", "once")
        engine.kill9()
        engine.start()
        self.assertEqual(engine.trigger("t.inner", "--key", "once"), run_id)
        self.assertIn("kept over a crash", [one.get("reason") for one in engine.items("audit")])
        self.assertEqual(engine.record("starts"), [])
        engine.ctl("unhold")
        engine.wait(run_id)
        engine.ctl("rerun", f"{run_id}/deep")
        until(lambda: engine.record("starts") == ["deep:#1", "deep:#2"], "the rerun")


if __name__ == "__main__":
    unittest.main()
