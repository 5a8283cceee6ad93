"""Runs that the clock makes, also when the clock is set."""
import contextlib
import datetime
import struct
import subprocess
import time
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


STEPPED = """
workflow: hourly
triggers: [{id: hour, cron: "0 * * * *", misfire: {policy: all, within: 1d, max: 100}}]
overlap: allow
max_active_runs: 100
tasks:
  tick: {run: 'echo "$PINION_RUN" >> @DIR@/hourly', retry: {max: 0, delay: 1s}}
---
workflow: timed
overlap: allow
max_active_runs: 100
defaults: {grace: 1s}
tasks:
  patient:
    timeout: {attempt: 10m}
    retry: {max: 0, delay: 1s}
    run: |
      echo "$PINION_ATTEMPT" >> @DIR@/patient
      for i in $(seq 1200); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
      exit 1
  brief: {timeout: {attempt: 4s}, retry: {max: 0, delay: 1s}, ignore_failure: true, run: sleep 600}
  again: {retry: {max: 1, delay: 4s}, run: '[ "$PINION_ATTEMPT" -ge 2 ]'}
"""


class SteppedClock(OwnEngineTest):
    """The wall clock of a real engine, its launcher and its tasks is set by hours; the steady one is the machine's."""

    def setUp(self):
        self.e = self.engine({"stepped.yaml": STEPPED})
        self.clock = self.e.home / "clock"
        self.clock.write_bytes(bytes(8))
        self.hours = 0
        self.e.environment.update(LD_PRELOAD=str(BIN / "pinion-stepped-clock.so"), PINION_STEPPED_CLOCK=str(self.clock))

    def set_clock(self, hours):
        """Puts the clock so far ahead of the machine's."""
        self.hours = hours
        with open(self.clock, "r+b", buffering=0) as file:  # In place: the programs have it mapped.
            file.write(struct.pack("q", hours * 3_600_000_000))
        # The kernel tells timers of a clock that was set. The machine's own is set to what it is, where that is
        # allowed; elsewhere the engine finds out when it next wakes.
        with contextlib.suppress(PermissionError):
            time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))

    def slots(self):
        return {datetime.datetime.fromisoformat(one["slot"]): one for one in self.e.items("slots", "t.hourly")
                if one["outcome"] != "planned"}

    def wait_for_slots(self):
        """Waits until the last full hour has been decided; returns all that have."""
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=self.hours)
        last = now.replace(minute=0, second=0, microsecond=0)
        return until(lambda: (seen := self.slots()) and max(seen) >= last and seen, f"the slot of {last}", 90)

    def check_slots(self):
        """Each hour has one slot, none is missing, and each was run once."""
        marks = sorted(self.slots())
        self.assertLessEqual({later - earlier for earlier, later in zip(marks, marks[1:])},
                             {datetime.timedelta(hours=1)})
        runs = [one["id"] for one in self.e.items("runs", "--workflow", "t.hourly")]
        for run in runs:
            self.e.wait(run)
        self.assertEqual(len(runs), len(marks))
        self.assertEqual(sorted(self.e.record("hourly")), sorted(runs))

    def attempts(self, run_id):
        return {(one["instance"].split("/")[1], one["number"]): one for one in self.e.items("attempts", run_id)}

    def test_hours_forward_and_back_lose_no_slot_double_none_and_end_no_wait(self):
        self.set_clock(0)
        engine = self.e.start()
        self.assertEqual(self.slots(), {})
        first = engine.trigger("t.timed")
        for name in ("patient", "brief"):
            engine.wait_state(first, name, "running")
        began = time.monotonic()
        self.set_clock(5)
        self.assertGreaterEqual(len(self.wait_for_slots()), 5)
        self.check_slots()
        # What is counted in the time that passes took no notice: neither hours of a timeout nor of a delay have passed.
        engine.wait_state(first, "again", "success")
        self.assertGreater(time.monotonic() - began, 3)
        self.assertEqual(engine.wait_state(first, "brief", "failed")["reason"], "attempt_timeout")
        self.assertGreater(time.monotonic() - began, 3)
        self.assertEqual(engine.instances(first)["patient"]["state"], "running")
        # Back again: what waits does not wait for the clock to come so far once more.
        second = engine.trigger("t.timed")
        engine.wait_state(second, "brief", "running")
        engine.wait_state(second, "again", "retry_wait")
        known = set(self.slots())
        began = time.monotonic()
        self.set_clock(-3)
        engine.wait_state(second, "again", "success", seconds=20)
        self.assertEqual(engine.wait_state(second, "brief", "failed", seconds=20)["reason"], "attempt_timeout")
        self.assertLess(time.monotonic() - began, 40)
        self.assertEqual(set(self.slots()), known)
        # The same hours pass once more, and a kill in between.
        self.set_clock(2)
        engine.kill9()
        engine.start()
        self.set_clock(5)
        self.assertEqual(set(self.slots()), known)
        self.set_clock(7)
        self.assertGreaterEqual(len(self.wait_for_slots()), len(known) + 1)
        self.check_slots()
        self.assertEqual(engine.instances(first)["patient"]["state"], "running", engine.instances(first)["patient"])
        (engine.records / "open").touch()
        for run in (first, second):
            engine.wait(run)
        self.assertEqual(engine.record("patient"), ["1", "1"])
        seen = [datetime.datetime.fromisoformat(one["ended_at"]) for one in self.attempts(first).values()]
        self.assertEqual(len(seen), 4)


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
