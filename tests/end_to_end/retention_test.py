"""What has ended goes when its time has come: rows, logs, workspaces; what is alive stays."""
import subprocess
import unittest

from harness import BIN, DONE, NOT_FOUND, OwnEngineTest, until

FILES = {"two.yaml": """
workflow: two
tasks:
  first: {run: 'echo hello; touch "$PINION_WORKSPACE/mine"'}
  second: {needs: first, run: echo bye}
---
workflow: long
tasks:
  wait: {run: 'echo waiting; touch "$PINION_WORKSPACE/mine"; sleep 600'}
"""}


class Retention(OwnEngineTest):
    def folders(self, engine, run_id):
        """Of logs and workspace of a run, those that are there."""
        return [*engine.data.glob(f"logs/*/{run_id}"), *engine.data.glob(f"workspaces/{run_id}")]

    # The engine looks a minute after its start: that is how long this takes.
    def test_what_has_ended_goes_and_what_is_alive_stays(self):
        ages = [word for name in ("history", "logs", "workspaces", "failed-workspaces")
                for word in (f"--keep-{name}", "1m")]
        engine = self.engine(FILES, ("--slots", "4", *ages, "--keep-logs", "other=9d")).start()
        old, newest = engine.trigger("t.two"), None
        engine.wait(old)
        newest = engine.trigger("t.two")
        engine.wait(newest)
        alive = engine.trigger("t.long")
        engine.wait_state(alive, "wait", "running")
        self.assertTrue(all(self.folders(engine, run) for run in (old, newest, alive)))
        engine.terminate()
        engine.start()
        until(lambda: not self.folders(engine, newest), "the end of logs and workspace", 150)
        self.assertEqual(engine.call("get", "runs", old).returncode, NOT_FOUND)
        self.assertFalse(self.folders(engine, old))
        # The newest of its trigger stays in the history.
        self.assertEqual(engine.run(newest)["state"], "success")
        self.assertEqual(engine.instances(alive)["wait"]["state"], "running")
        self.assertEqual(len(self.folders(engine, alive)), 2)
        self.assertEqual(engine.call("logs", alive).returncode, DONE)
        for words in ((), ("-o", "json"), ("-f",)):
            self.assertIn("2 logs (10 bytes) are gone: removed by age", engine.call("logs", newest, *words).stderr)
        self.assertIn("The log (6 bytes) is gone", engine.call("logs", f"{newest}/first").stderr)
        self.assertTrue(engine.ctl("store", "verify")["ok"])
        self.assertIn("removed by age or size: runs=1", engine.log.read_text(encoding="utf-8"))

    def test_ages_that_are_none_are_refused(self):
        for words in (("--keep-history", "soon"), ("--keep-logs", "10s"), ("--keep-logs", "=1d"),
                      ("--keep-log-bytes", "dw=much")):
            with self.subTest(words):
                done = subprocess.run([BIN / "pinion", "config", "show", *words], capture_output=True,
                                      text=True, timeout=30, check=False)
                self.assertEqual(done.returncode, 64, done.stdout)
                self.assertIn(words[0], done.stderr)


if __name__ == "__main__":
    unittest.main()
