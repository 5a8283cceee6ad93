"""An engine in bad company: killed again while it recovers, told to end twice, copied, robbed of its folder, its N-th call
to the disk failing, and people who steer one run against each other."""
import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from harness import BIN, DONE, TERMINAL, OwnEngineTest, kill, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from load import Client, Refused, Unknown  # noqa: E402

RECORD = 'echo "$PINION_RUN/$PINION_TASK:$PINION_INDEX#$PINION_ATTEMPT" >> @DIR@/starts'
AWAIT = "for i in $(seq 600); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done; exit 1"

FILES = {
    "pinion.yaml": "project: t\npools: {two: 2}\n",
    "busy.yaml": f"""
workflow: busy
overlap: allow
max_active_runs: 100
tasks:
  first: {{run: '{RECORD}'}}
  held:  {{needs: first, for_each: {{x: [1, 2, 3, 4, 5, 6]}}, pool: two, run: '{RECORD}; {AWAIT}'}}
  later: {{needs: first, retry: {{max: 60, delay: 500ms}}, run: '{RECORD}; [ -e @DIR@/open ]'}}
  last:  {{needs: [held, later], run: '{RECORD}'}}
---
workflow: quick
overlap: allow
max_active_runs: 100
tasks:
  one: {{retry: {{max: 20, delay: 100ms}}, run: '{RECORD}'}}
  two: {{needs: one, retry: {{max: 20, delay: 100ms}}, run: '{RECORD}'}}
---
workflow: chain
overlap: allow
max_active_runs: 100
tasks:
  a: {{run: '{RECORD}; sleep 0.05'}}
  b: {{needs: a, run: '{RECORD}; sleep 0.05'}}
  c: {{needs: b, run: '{RECORD}'}}
  d: {{needs: a, run: '{RECORD}; exit 1', fallback: e}}
  e: {{run: '{RECORD}'}}
"""}

# sysexits(3)
EX_IOERR, EX_CONFIG = 74, 78
# How many of the first calls of each kind are made to fail, one a turn.
FAILING_CALLS = int(os.environ.get("PINION_TEST_FAILING_CALLS", "12"))


class Faults(OwnEngineTest):
    def assert_nothing_doubled(self, engine):
        starts = collections.Counter(engine.record("starts"))
        self.assertEqual({one: count for one, count in starts.items() if count != 1}, {})
        return set(starts)

    def assert_sound(self, engine):
        done = engine.call("store", "verify")
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)

    def test_kills_while_it_recovers(self):
        engine = self.engine(FILES).start()
        runs = [engine.trigger("t.busy") for _ in range(10)]
        until(lambda: len(engine.record("starts")) >= 14, "tasks that run")
        engine.kill9()
        for turn in range(20):
            engine.launch()
            # Each turn gets a little further: from before the first read to after the first start.
            with contextlib.suppress(subprocess.TimeoutExpired):
                engine.process.wait(timeout=0.01 + turn * 0.012)
            self.assertIsNone(engine.process.poll(), engine.tail())
            engine.kill9()
        engine.start()
        (engine.records / "open").touch()
        for run_id in runs:
            states = engine.wait(run_id, seconds=120)
            self.assertEqual({one["attempt"] for one in states.values() if one["task"] != "later"}, {1})
        started = self.assert_nothing_doubled(engine)
        wanted = {f"{run_id}/{task}#1" for run_id in runs
                  for task in ("first:", "last:", *(f"held:{i}" for i in range(1, 7)))}
        self.assertEqual(wanted - started, set())
        self.assert_sound(engine)

    def test_a_second_sigterm_changes_nothing(self):
        engine = self.engine(FILES).start()
        runs = [engine.trigger("t.busy") for _ in range(5)]
        until(lambda: len(engine.record("starts")) >= 7, "tasks that run")
        kill(engine.process.pid, signal.SIGTERM)
        kill(engine.process.pid, signal.SIGTERM)
        kill(engine.process.pid, signal.SIGINT)
        self.assertEqual(engine.process.wait(timeout=30), DONE, engine.tail())
        engine.start()
        (engine.records / "open").touch()
        for run_id in runs:
            engine.wait(run_id)
        self.assert_nothing_doubled(engine)

    def test_a_copy_of_the_folder_is_refused_while_a_moved_one_goes_on(self):
        engine = self.engine(FILES).start()
        run_id = engine.trigger("t.busy")
        until(lambda: len(engine.record("starts")) >= 4, "tasks that run")
        copy = self.engine(FILES)
        engine.kill9()
        shutil.copytree(engine.data, copy.data, ignore=lambda *_: ["pinion.sock", "launcher.sock"])
        copy.launch()
        self.assertEqual(copy.process.wait(timeout=30), EX_CONFIG, copy.tail())
        self.assertIn("is a copy of a data folder", copy.tail())
        self.assertIn("--moved on", copy.tail())
        # A look at it harms nobody.
        done = subprocess.run([BIN / "pinionctl", "store", "verify", "--data", copy.data], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        engine.start()
        (engine.records / "open").touch()
        engine.wait(run_id)
        self.assert_nothing_doubled(engine)
        self.assertEqual(engine.terminate(), DONE)
        shutil.rmtree(copy.data)
        shutil.copytree(engine.data, copy.data, ignore=lambda *_: ["pinion.sock", "launcher.sock"])
        copy.options += ["--moved", "on"]
        copy.start()
        self.assertEqual(copy.run(run_id)["state"], "success")
        copy.options = copy.options[:-2]
        copy.kill9()
        copy.start()
        copy.wait(copy.trigger("t.quick"))

    def test_an_engine_whose_folder_is_gone_ends_at_once(self):
        for how in ("renamed", "removed"):
            with self.subTest(how=how):
                engine = self.engine(FILES).start()
                engine.wait(engine.trigger("t.quick"))
                if how == "renamed":
                    os.rename(engine.data, engine.home / "elsewhere")
                else:
                    shutil.rmtree(engine.data, ignore_errors=True)
                self.assertEqual(engine.process.wait(timeout=30), EX_IOERR, engine.tail())
                self.assertIn("was removed, renamed or unmounted under its engine", engine.tail())
                if how == "renamed":
                    os.rename(engine.home / "elsewhere", engine.data)
                    engine.start()
                    self.assertEqual(len(engine.items("runs", "--workflow", "t.quick")), 1)
                    engine.wait(engine.trigger("t.quick"))
                engine.close()

    def test_the_nth_call_to_the_disk_fails(self):
        """SQLite's loop: the first call fails, then the second, and so on; each time nothing is lost or doubled."""
        engine = self.engine(FILES)
        engine.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        engine.start()
        gate, client = engine.home / "gate", Client(engine.data / "pinion.sock")
        gate.touch()
        keys, survived = [], 0
        for call in ("write", "sync", "open"):
            for nth in range(1, FAILING_CALLS + 1):
                engine.kill9()
                key = f"{call}-{nth}"
                engine.environment["PINION_FAULTS"] = f"engine,{call},{engine.data}/*,*,{nth},EIO,{gate}"
                engine.launch()
                until(lambda: engine.process.poll() is not None or client.health()[0] == 200, "an engine", 60)
                with contextlib.suppress(Unknown, Refused):
                    client.post("trigger", workflow="t.quick", key=key)
                keys.append(key)
                survived += engine.process.poll() is None
        engine.environment["PINION_FAULTS"] = ""
        engine.kill9()
        engine.start()
        runs = {key: client.insist("trigger", workflow="t.quick", key=key)["id"] for key in keys}
        for run_id in runs.values():
            engine.wait(run_id)
        self.assertEqual(len(engine.items("runs", "--workflow", "t.quick")), len(keys))
        self.assert_nothing_doubled(engine)
        self.assert_sound(engine)
        # Not all of them were fatal, and not all were harmless: else this shows nothing.
        self.assertGreater(survived, 0)
        self.assertLess(survived, len(keys))

    def test_people_who_steer_against_each_other_get_one_order(self):
        engine = self.engine(FILES).start()
        runs = [engine.trigger("t.chain") for _ in range(20)]
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        refused, unexpected = collections.Counter(), []

        def steer(number):
            draw, client = random.Random(seed + number), Client(engine.data / "pinion.sock")
            for _ in range(60):
                run_id, task = draw.choice(runs), draw.choice("abcde")
                verb = draw.choice(("cancel", "fail", "skip", "succeed", "rerun", "rerun"))
                try:
                    client.post("operations", operation=verb,
                                ref=f"{run_id}/{task}" if draw.random() < 0.8 else run_id)
                except Refused as no:
                    refused[no.status] += 1
                    if no.status not in (404, 409):
                        unexpected.append(str(no))
                except Unknown as gone:
                    unexpected.append(str(gone))

        people = [threading.Thread(target=steer, args=(number,)) for number in range(6)]
        for each in people:
            each.start()
        for each in people:
            each.join(timeout=120)
        self.assertEqual(unexpected, [], refused)
        for run_id in runs:
            until(lambda one=run_id: engine.run(one)["state"] in TERMINAL, f"the end of {run_id}", 60)
        self.assert_nothing_doubled(engine)
        self.assert_sound(engine)
        steered = [one for one in engine.items("audit") if one["verb"] in ("cancel", "fail", "skip", "succeed", "rerun")]
        self.assertEqual(len(steered), 6 * 60 - sum(refused.values()))


if __name__ == "__main__":
    unittest.main()
