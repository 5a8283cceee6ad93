"""Runs that the clock makes."""
import datetime
import subprocess
import unittest

from harness import BIN, DONE, OwnEngineTest, until

SECONDLY = """
workflow: secondly
timezone: Asia/Shanghai
triggers:
  - {id: each, cron: "* * * * * *"}
overlap: allow
max_active_runs: 50
tasks:
  tick: {type: empty}
---
workflow: often
triggers:
  - {id: poll, every: 1s}
overlap: allow
max_active_runs: 50
tasks:
  tick: {type: empty}
"""


class Clock(OwnEngineTest):
    def test_each_second_fires_once_over_a_restart(self):
        engine = self.engine({"secondly.yaml": SECONDLY}).start()

        def slots(workflow="t.secondly"):
            return sorted(one["slot"] for one in engine.items("runs", "--workflow", workflow)
                          if one["state"] == "success")

        until(lambda: len(slots()) >= 3, "three seconds")
        until(lambda: len(slots("t.often")) >= 2, "two intervals")
        engine.kill9()
        engine.start()
        before = len(slots())
        until(lambda: len(slots()) >= before + 3, "three further seconds")
        self.assertEqual(engine.terminate(), DONE)
        engine.start()
        seen = [one["slot"] for one in engine.items("runs", "--workflow", "t.secondly")]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertTrue(all(slot.endswith("+08:00") for slot in seen), seen[0])
        # Of the slots that passed while the engine was down only the last is run, as for all that
        # fires more than once an hour; the others are on record as missed: the line has no holes.
        missed = [one["slot"] for one in engine.items("slots", "t.secondly")
                  if one["outcome"] == "missed"]
        self.assertFalse(set(missed) & set(seen))
        marks = sorted(datetime.datetime.fromisoformat(slot) for slot in [*seen, *missed])
        gaps = [later - earlier for earlier, later in zip(marks, marks[1:])]
        self.assertEqual(set(gaps), {datetime.timedelta(seconds=1)})

    def test_triggers_off_starts_nothing_by_the_clock(self):
        engine = self.engine({"secondly.yaml": SECONDLY}, ("--triggers", "off")).start()
        run_id = engine.trigger("t.secondly")
        engine.wait(run_id)
        self.assertEqual([one["id"] for one in engine.items("runs", "--workflow", "t.secondly")],
                         [run_id])

    def test_a_changed_file_is_taken_and_a_running_engine_needs_no_restart(self):
        engine = self.engine({"one.yaml": "workflow: one\ntasks: {a: {type: empty}}\n"}).start()
        engine.wait(engine.trigger("t.one"))
        engine.write("one.yaml", "workflow: one\ntasks: {a: {type: empty}, b: {type: empty}}\n")

        def version():
            return next(one["version"] for one in engine.items("workflows") if one["workflow"] == "one")

        until(lambda: version() == 2, "the second version", 20)
        self.assertEqual(set(engine.wait(engine.trigger("t.one"))), {"a", "b"})
        # A file that breaks something changes nothing.
        engine.write("one.yaml", "workflow: one\ntasks: {a: {type: empty, needs: nobody}}\n")
        until(lambda: "nobody" in engine.tail(), "the report of the broken file", 20)
        self.assertEqual(version(), 2)


class Preview(unittest.TestCase):
    def test_preview_tells_the_next_slots_without_an_engine(self):
        import tempfile
        from pathlib import Path
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "p.yaml")
            file.write_text("workflow: p\ntimezone: Europe/Berlin\n"
                            "triggers: [{id: night, cron: '30 2 * * *'}]\ntasks: {a: {type: empty}}\n")
            done = subprocess.run([BIN / "pinionctl", "validate", file], capture_output=True,
                                  text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("02:30", done.stdout)


if __name__ == "__main__":
    unittest.main()
