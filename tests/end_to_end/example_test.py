"""The example of the demo, with the engine killed in the middle of it: same result, nothing twice."""
import collections
import shutil
import subprocess
import unittest

from harness import EXAMPLES, OwnEngineTest, until

PYTHON = "/usr/bin/python3"  # The one that has Debian's scikit-learn.
KILLS_AFTER = (1, 3, 5, 6, 8, 9, 11)  # Starts of processes, those of checks included.

# Every process of the example is Python: at its very beginning each leaves a line.
RECORDER = """
import os, sys
script = next(os.path.basename(word) for word in sys.orig_argv[1:] if not word.startswith("-"))
kept = ("PINION_TASK", "PINION_INDEX", "PINION_ATTEMPT")
line = " ".join([*(os.environ[name] or "-" for name in kept), script, *sys.orig_argv[-2:]])
with open(os.path.join(os.path.dirname(__file__), "starts"), "a", encoding="utf-8") as record:
    record.write(line + "\\n")
"""


def has_sklearn():
    return subprocess.run([PYTHON, "-c", "import sklearn"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(has_sklearn(), "needs the package python3-sklearn")
class Example(OwnEngineTest):
    def engine_over_example(self):
        engine = self.engine(options=("--slots", "8", "--triggers", "off"))
        shutil.copytree(EXAMPLES / "ml", engine.workflows / "ml")
        (engine.records / "sitecustomize.py").write_text(RECORDER, encoding="utf-8")
        project = engine.workflows / "ml" / "pinion.yaml"
        text = project.read_text(encoding="utf-8")
        self.assertIn("defaults:\n", text)
        project.write_text(text.replace("defaults:\n", "defaults:\n"
                                        f"  env: {{PYTHONPATH: '{engine.records}'}}\n"), encoding="utf-8")
        return engine.start()

    def run_example(self, kills_after=()):
        engine = self.engine_over_example()
        run_id = engine.trigger("ml.train")
        for enough in kills_after:
            until(lambda n=enough: len(engine.record("starts")) >= n, f"{enough} starts", 60)
            engine.kill9()
            engine.start()
        seen = engine.wait(run_id, seconds=120)
        starts = collections.Counter(" ".join(line.split()[:4]) for line in set(engine.record("starts")))
        twice = [line for line, count in collections.Counter(engine.record("starts")).items() if count > 1]
        self.assertEqual(twice, [], "started twice in one attempt")
        return seen, starts, engine

    def test_kills_in_the_middle_change_nothing_of_what_comes_out(self):
        plain, plain_starts, _ = self.run_example()
        killed, killed_starts, engine = self.run_example(KILLS_AFTER)
        self.assertEqual({name: (one["state"], one["attempt"]) for name, one in killed.items()},
                         {name: (one["state"], one["attempt"]) for name, one in plain.items()})
        self.assertEqual(killed_starts, plain_starts)
        # Retries, the backup path and the fan-out are all in it.
        self.assertEqual((plain["neural_network"]["state"], plain["neural_network"]["attempt"]), ("failed", 2))
        self.assertEqual(plain["nearest_neighbours"]["state"], "success")
        self.assertEqual(sum(name.startswith("tune:") for name in plain), 3)
        self.assertEqual(killed["evaluate"]["outputs"]["metrics"], plain["evaluate"]["outputs"]["metrics"])
        self.assertEqual(killed["deploy"]["outputs"]["deployed"], plain["deploy"]["outputs"]["deployed"])
        self.assertGreater(killed["deploy"]["outputs"]["auc"], 0.95)
        self.assertTrue((engine.home / "build" / "demo" / "models" / "current.model").exists())


if __name__ == "__main__":
    unittest.main()
