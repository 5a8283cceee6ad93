"""The disk runs full, or its calls fail: nothing wrong is acknowledged, and the engine goes on by itself."""
import contextlib
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from harness import BIN, DONE, FAILED, REFUSED, OwnEngineTest, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from disk import RESERVE, SmallDisk  # noqa: E402
from load import Client, Refused, Unknown  # noqa: E402

FILES = {
    "waits.yaml": """
workflow: waits
overlap: allow
max_active_runs: 100
tasks:
  wait:
    retry: {max: 0, delay: 1s}
    run: |
      echo "$PINION_ATTEMPT" >> @DIR@/waits
      for i in $(seq 1200); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
      exit 1
  after: {needs: wait, run: 'true', retry: {max: 30, delay: 1s}}
---
workflow: quick
overlap: allow
max_active_runs: 100
tasks:
  one: {run: 'echo $PINION_RUN >> @DIR@/quick', retry: {max: 30, delay: 1s}}
"""}
EXIT_STORE = 74


@unittest.skipUnless(os.geteuid() == 0, "mounts a file system")
class FullDisk(OwnEngineTest):
    def setUp(self):
        self.e = self.engine(FILES)
        try:
            self.disk = SmallDisk(self.e)
        except (OSError, subprocess.CalledProcessError) as why:
            self.skipTest(f"no file system can be mounted here: {why}")
        self.addCleanup(shutil.rmtree, self.e.home, True)
        self.addCleanup(self.disk.close)
        self.addCleanup(self.e.close)
        self.client = Client(self.e.data / "pinion.sock")

    def health(self, status, seconds=30):
        return until(lambda: (seen := self.client.health())[0] == status and seen[1], f"health {status}", seconds)

    def test_below_the_reserve_nothing_new_is_taken_and_what_runs_goes_on(self):
        engine = self.e.start()
        long = engine.trigger("t.waits")
        until(lambda: engine.record("waits"), "the task")
        queued = engine.trigger("t.waits", "--key", "before")
        pid = engine.process.pid
        self.disk.fill(RESERVE * 3 // 4)
        health = self.health(507)
        self.assertTrue(health["disk_full"])
        self.assertIn("less than the reserve of 48.0 MiB", " ".join(health["problems"]))
        self.assertEqual(engine.call("health").returncode, FAILED)
        for words in (("trigger", "t.quick", "--key", "meanwhile"), ("apply", engine.workflows)):
            refused = engine.call(*words, "-o", "json")
            self.assertEqual(refused.returncode, REFUSED, refused)
            self.assertIn('"disk_full"', refused.stdout)
        # What makes no work is taken: it may be what makes room.
        engine.ctl("pause", "t.waits")
        engine.ctl("resume", "t.waits")
        # What runs comes to its end, and that is on disk; what follows from it waits, and says for what.
        (engine.records / "open").touch()
        engine.wait_state(long, "wait", "success")
        why = until(lambda: (w := engine.ctl("why", f"{long}/after"))["blocked_by"] and w, "a reason")
        self.assertEqual(why["blocked_by"][0]["kind"], "disk", why)
        engine.kill9()
        engine.launch()
        self.health(507)
        self.assertEqual(engine.states(long)["wait"], "success")
        self.disk.ballast.unlink()
        self.health(200)
        engine.wait(long)
        engine.wait(queued)
        self.assertNotEqual(engine.process.pid, pid)
        made = engine.trigger("t.quick", "--key", "meanwhile")
        engine.wait(made)
        self.assertEqual(engine.record("quick"), [made])

    def test_an_engine_that_starts_on_a_full_disk_waits_for_room(self):
        engine = self.e.start()
        run_id = engine.trigger("t.waits")
        until(lambda: engine.record("waits"), "the task")
        engine.kill9()
        self.disk.fill(0)
        engine.launch()
        health = self.health(507)
        self.assertFalse(health["ready"])
        with self.assertRaises(Refused) as refused:
            self.client.post("trigger", workflow="t.quick", key="no")
        self.assertEqual(refused.exception.status, 507)
        self.assertEqual(engine.call("get", "runs").returncode, REFUSED)
        pid = engine.process.pid
        self.disk.ballast.unlink()
        self.health(200)
        self.assertEqual(engine.process.pid, pid)
        (engine.records / "open").touch()
        engine.wait(run_id)
        self.assertEqual(engine.record("waits"), ["1"])
        # One that is told to end while it waits ends in order.
        engine.kill9()
        self.disk.fill(0)
        engine.launch()
        self.health(507)
        self.assertEqual(engine.terminate(), DONE)


class FailingCalls(OwnEngineTest):
    def armed(self, *rule, start=True):
        """An engine whose calls fail, by faulty_calls.cpp, once `self.gate` is there."""
        engine = self.engine(FILES)
        self.gate = engine.home / "gate"
        engine.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        engine.environment["PINION_FAULTS"] = " ".join(f"{each},{self.gate}" for each in rule)
        return engine.start() if start else engine

    def whole(self, engine):
        """Takes the fault away, and the engine must have lost nothing."""
        self.gate.unlink(missing_ok=True)
        if engine.process.poll() is not None:
            engine.start()

    def test_the_engine_ends_at_once_when_the_disk_refuses_a_commit(self):
        for call, path in (("write", "*/store/*.log"), ("sync", "*/store/*.log"), ("write", "*/COMMIT")):
            with self.subTest(call=call, path=path):
                engine = self.armed(f"engine,{call},{path},*,1+,EIO")
                before = engine.trigger("t.waits", "--key", "before")
                until(lambda e=engine: e.record("waits"), "the task")
                self.gate.touch()
                answer = engine.call("trigger", "t.quick", "--key", "during")
                self.assertNotEqual(answer.returncode, DONE)
                self.assertEqual(engine.process.wait(timeout=30), EXIT_STORE)
                self.assertIn("the engine ends at once", engine.tail())
                # The fault lasts: the next start ends as well, instead of going on with a part of it.
                self.whole(engine)
                (engine.records / "open").touch()
                engine.wait(before)
                self.assertEqual(engine.record("waits"), ["1"])
                self.assertEqual(engine.trigger("t.waits", "--key", "before"), before)
                made = engine.trigger("t.quick", "--key", "during")
                engine.wait(made)
                self.assertEqual(engine.record("quick"), [made])
                engine.close()

    def test_without_room_for_a_commit_the_engine_starts_over_by_itself(self):
        for call in ("write", "sync"):
            with self.subTest(call=call):
                engine = self.armed(f"engine,{call},*/store/*.log,*,1+,ENOSPC")
                before = engine.trigger("t.waits", "--key", "before")
                until(lambda e=engine: e.record("waits"), "the task")
                pid = engine.process.pid
                self.gate.touch()
                answer = engine.call("trigger", "t.quick", "--key", "during")
                self.assertNotEqual(answer.returncode, DONE)
                until(lambda e=engine: "the engine starts over" in e.tail(), "a new start")
                self.gate.unlink()
                until(lambda e=engine: e.call("health").returncode == DONE, "an engine that goes on", 60)
                self.assertIsNone(engine.process.poll())
                self.assertEqual(engine.process.pid, pid)
                (engine.records / "open").touch()
                engine.wait(before)
                made = engine.trigger("t.quick", "--key", "during")
                engine.wait(made)
                self.assertEqual(engine.record("quick"), [made])
                self.assertEqual(engine.record("waits"), ["1"])
                engine.close()

    def test_no_start_goes_on_before_the_counter_of_commits_is_on_disk(self):
        # It tells the durability of what is committed from then on: after a stop of the machine losses are judged by it.
        for begun in (False, True):
            with self.subTest(begun=begun):
                engine = self.armed("engine,sync,*/COMMIT*,*,1+,EIO", start=begun)
                if begun:
                    self.assertEqual(engine.terminate(), DONE)
                self.gate.touch()
                engine.launch()
                self.assertEqual(engine.process.wait(timeout=30), EXIT_STORE)
                self.assertIn("/COMMIT", engine.tail())
                self.whole(engine)
                engine.wait(engine.trigger("t.quick"))
                engine.close()

    def test_a_read_that_fails_is_named_and_never_taken_for_an_empty_store(self):
        engine = self.armed("engine,read,*/store/*.sst,*,1+,EIO")
        run_id = engine.trigger("t.quick")
        engine.wait(run_id)
        self.assertEqual(engine.terminate(), DONE)  # What is in memory goes to a file that is read from then on.
        self.gate.touch()
        engine.launch()
        client = Client(engine.data / "pinion.sock")

        def says_no():
            if engine.process.poll() is not None:
                return "ended"
            with contextlib.suppress(Unknown):
                status, body = client.ask("GET", f"runs/{run_id}", any_status=True)
                self.assertNotIn(status, (200, 404), body)
                return body["error"]["message"]
            return None

        said = until(says_no, "an answer")
        if said == "ended":
            self.assertIn(engine.process.returncode, (EXIT_STORE, 65))
            said = engine.tail()
        self.assertIn("Input/output error", said)
        self.whole(engine)
        if engine.process.poll() is None:
            engine.kill9()
            engine.start()
        self.assertEqual(engine.run(run_id)["state"], "success")

    def test_a_slow_disk_delays_answers_and_gives_none_early(self):
        engine = self.armed("engine,sync,*/store/*.log,*,1+,wait-1500")
        self.gate.touch()
        run_id = engine.trigger("t.quick", "--key", "slow")
        engine.kill9()  # What was answered is on disk.
        self.gate.unlink()
        engine.start()
        self.assertEqual(engine.trigger("t.quick", "--key", "slow"), run_id)
        engine.wait(run_id)
        self.assertEqual(engine.record("quick"), [run_id])


if __name__ == "__main__":
    unittest.main()
