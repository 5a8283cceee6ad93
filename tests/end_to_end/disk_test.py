"""Calls to the disk fail: nothing wrong is acknowledged, and nothing is lost."""
import contextlib
import sys
import unittest
from pathlib import Path

from harness import BIN, DONE, OwnEngineTest, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from load import Client, Unknown  # noqa: E402

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
