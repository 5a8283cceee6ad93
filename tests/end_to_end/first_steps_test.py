"""What people do on their first day, mistakes included."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BIN, DONE, FAILED, NOT_FOUND, USAGE, Engine, EngineTest, OwnEngineTest, until

FILES = """
workflow: mixed
tasks:
  begin: {type: empty}
  speak: {needs: begin, run: 'echo hello; pwd'}
---
workflow: long_lines
tasks:
  a: {run: 'head -c 3000000 /dev/zero | tr "\\0" y; echo; echo the end'}
"""


def pinionctl(*arguments):
    return subprocess.run([BIN / "pinionctl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)


class Mistakes(EngineTest):
    files = {"first.yaml": FILES}

    def refused(self, *arguments, code, word):
        done = self.engine.call(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertLess(len(done.stderr.splitlines()), 4, "a sentence, not a page")

    def test_a_mistyped_word_is_named_with_what_is_near(self):
        self.refused("triger", "t.mixed", code=USAGE, word="trigger")
        self.refused("get", "nothing", code=USAGE, word="nothing")
        self.refused("get", "run", "--worklow", "t.mixed", code=USAGE, word="--workflow")
        self.refused("get", "runs", "--state", "sucess", code=USAGE, word="success")
        self.refused("trigger", "t.mxied", code=NOT_FOUND, word="t.mixed")
        self.refused("trigger", "mixed", code=USAGE, word="project.workflow")
        self.refused("trigger", "t.mixed", "--param", "x", code=USAGE, word="--param")
        self.refused("describe", "t.mixed/nightly", code=NOT_FOUND, word="nightly")
        self.refused("rerun", code=USAGE, word="A REF")

    def test_a_wrong_task_or_run_is_named_with_what_is_near(self):
        run_id = self.engine.trigger("t.mixed")
        self.engine.wait(run_id)
        self.refused("logs", f"{run_id}/speek", code=NOT_FOUND, word="speak")
        self.refused("why", f"{run_id}/speek", code=NOT_FOUND, word="speak")
        self.refused("logs", "r99999", code=NOT_FOUND, word="r99999")
        self.refused("rerun", f"{run_id}/speek", code=NOT_FOUND, word="speak")

    def test_logs_of_a_run_leave_out_what_runs_no_process(self):
        run_id = self.engine.trigger("t.mixed")
        self.engine.wait(run_id)
        done = self.engine.call("logs", run_id)
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]), (DONE, "speak | hello"))
        self.assertEqual(self.engine.call("logs", f"{run_id}/begin").returncode, DONE)

    def test_very_long_lines_are_printed_whole(self):
        run_id = self.engine.trigger("t.long_lines")
        self.engine.wait(run_id)
        lines = self.engine.call("logs", f"{run_id}/a").stdout.splitlines()
        self.assertEqual([len(line) for line in lines], [3000000, len("the end")])


class Places(OwnEngineTest):
    def test_an_empty_folder_is_no_fault(self):
        engine = self.engine().start()
        self.assertEqual(engine.items("workflows"), [])
        self.assertEqual(engine.call("get", "runs").returncode, DONE)

    def test_a_folder_that_is_not_there_is_told_by_the_log_and_by_health(self):
        engine = self.engine()
        engine.workflows.rmdir()
        engine.start()
        self.assertIn("there is no such file or folder", engine.tail())
        self.assertIn(str(engine.workflows), engine.call("health").stdout)

    def test_blanks_and_umlauts_in_paths_do_no_harm(self):
        engine = self.engine()
        engine.data = engine.home / "dáta with blanks"
        engine.workflows = engine.home / "my flöws"
        engine.workflows.mkdir()
        engine.write("pinion.yaml", "project: t\n")
        engine.write("first.yaml", FILES)
        engine.start()
        run_id = engine.trigger("t.mixed")
        engine.wait(run_id)
        self.assertEqual(engine.call("logs", f"{run_id}/speak").stdout.splitlines(),
                         ["hello", str(engine.workflows)])

    def test_what_is_no_regular_file_is_not_read(self):
        engine = self.engine({"first.yaml": FILES})
        (engine.workflows / "folder.yaml").mkdir()
        engine.start()
        engine.wait(engine.trigger("t.mixed"))
        os.mkfifo(engine.workflows / "pipe.yaml")
        until(lambda: "pipe.yaml" in engine.tail(), "the report of the pipe", 20)
        engine.wait(engine.trigger("t.mixed"))

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_an_unreadable_file_is_named(self):
        engine = Engine({"first.yaml": FILES})
        self.addCleanup(engine.close)
        (engine.workflows / "first.yaml").chmod(0)
        done = pinionctl("validate", engine.workflows)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("first.yaml", done.stdout + done.stderr)


class Offline(unittest.TestCase):
    def test_files_of_other_editors_are_read_or_named(self):
        texts = {"crlf": b"workflow: crlf\r\ntasks:\r\n  a: {run: 'true'}\r\n",
                 "bom": b"\xef\xbb\xbfworkflow: bom\ntasks: {a: {run: 'true'}}\n",
                 "latin": b"workflow: latin\ndescription: M\xfcller\ntasks: {a: {run: 'true'}}\n",
                 "tabs": b"workflow: tabs\ntasks:\n\ta: {run: 'true'}\n"}
        with tempfile.TemporaryDirectory() as home:
            for name, text in texts.items():
                with self.subTest(name):
                    file = Path(home, f"{name}.yaml")
                    file.write_bytes(text)
                    done = pinionctl("validate", file)
                    good = name in ("crlf", "bom")
                    self.assertEqual(done.returncode, DONE if good else FAILED, done.stderr)
                    if not good:
                        self.assertRegex(done.stdout + done.stderr, rf"{name}\.yaml:\d+:\d+: error")


if __name__ == "__main__":
    unittest.main()
