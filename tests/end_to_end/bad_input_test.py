"""Input that is wrong, or hostile: a clear error, and the engine goes on."""
import os
import subprocess
import unittest

from harness import BIN, DONE, FAILED, EngineTest, OwnEngineTest, until

BOMB = "workflow: bomb\ntasks:\n  a: &a {type: empty}\n  b: *a\n"
CYCLE = "workflow: cycle\ntasks:\n  a: {needs: c, run: 'true'}\n  b: {needs: a, run: 'true'}\n" \
        "  c: {needs: b, run: 'true'}\n"
BROKEN = {
    "anchors": (BOMB, "anchor"),
    "cycle": (CYCLE, "a"),
    "duplicate": ("workflow: twice\ntasks:\n  a: {type: empty}\n  a: {type: empty}\n", "a"),
    "empty": ("", ""),
    "no_tasks": ("workflow: nothing\n", "tasks"),
    "syntax": ("workflow: [unclosed\n", ""),
    "name": ("workflow: \"../../etc/passwd\"\ntasks: {a: {type: empty}}\n", "name"),
    "dot": ("workflow: a.b\ntasks: {a: {type: empty}}\n", ""),
    "unknown_key": ("workflow: w\ntasks: {a: {rnu: 'true'}}\n", "run"),
    "expression": ("workflow: w\ntasks: {a: {run: 'echo {{ nobody }}'}}\n", "nobody"),
    "cron": ("workflow: w\ntriggers: [{cron: '61 * * * *'}]\ntasks: {a: {type: empty}}\n", ""),
    "never": ("workflow: w\ntriggers: [{cron: '0 0 30 2 *'}]\ntasks: {a: {type: empty}}\n", ""),
    "range": ("workflow: w\ntasks: {a: {run: 'true', priority: 10}}\n", "9"),
}


class Definitions(EngineTest):
    files = {"good.yaml": "workflow: good\ntasks: {a: {type: empty}}\n"}

    def test_every_fault_has_a_place_and_is_refused_by_apply_too(self):
        folder = self.engine.home / "broken"
        folder.mkdir()
        for name, (text, word) in BROKEN.items():
            with self.subTest(name):
                file = folder / f"{name}.yaml"
                file.write_text(text)
                done = subprocess.run([BIN / "pinionctl", "validate", file], capture_output=True,
                                      text=True, timeout=30, check=False)
                said = done.stdout + done.stderr
                self.assertEqual(done.returncode, FAILED, said)
                self.assertRegex(said, rf"{name}\.yaml:\d+:\d+")
                self.assertIn(word, said)
                self.assertNotEqual(self.engine.call("apply", file).returncode, DONE)
        self.engine.wait(self.engine.trigger("t.good"))

    def test_all_faults_of_a_file_are_told_at_once(self):
        file = self.engine.home / "many.yaml"
        file.write_text("workflow: many\ntasks:\n  a: {rnu: x}\n  b: {run: x, needs: c}\n"
                        "  c: {run: x, priority: 99}\n")
        done = subprocess.run([BIN / "pinionctl", "validate", file, "-o", "json"],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, FAILED)
        import json
        answer = json.loads(done.stdout)
        self.assertFalse(answer["ok"])
        self.assertLessEqual({3, 5}, {one["line"] for one in answer["errors"]})

    def test_applied_workflows_belong_to_the_api_and_files_to_their_folder(self):
        file = self.engine.home / "t" / "good.yaml"
        done = self.engine.call("apply", file)
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        folder = self.engine.home / "handed"
        folder.mkdir()
        (folder / "w.yaml").write_text("workflow: w\ntasks: {a: {type: empty}}\n")
        self.engine.ctl("apply", folder / "w.yaml")
        self.engine.wait(self.engine.trigger("handed.w"))

    def test_hostile_references_are_answered(self):
        for text in ("../../etc/passwd", "r-1", "r99999999999999999999", "a b", "t.good/../x", "\u202e",
                     "x" * 5000, "t.good@", "r1/" + "y" * 300):
            with self.subTest(text[:20]):
                self.assertIn(self.engine.call("describe", text).returncode, (2, 3, 4))
        self.engine.wait(self.engine.trigger("t.good"))


class DataFolder(OwnEngineTest):
    files = {"good.yaml": "workflow: good\ntasks: {a: {type: empty}}\n"}

    def refused(self, engine):
        """Starts the program once more over the same folder; returns exit code and what it said."""
        done = subprocess.run(
            [BIN / "pinion", "standalone", "--data", engine.data, "--workflows", engine.workflows],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_a_second_engine_on_the_folder_is_refused_and_the_first_goes_on(self):
        engine = self.engine(self.files).start()
        code, said = self.refused(engine)
        self.assertNotIn(code, (0, -6, -11), said)
        self.assertIn(str(engine.data), said)
        engine.wait(engine.trigger("t.good"))

    def test_a_folder_that_cannot_be_used_is_named(self):
        engine = self.engine(self.files)
        engine.data.write_text("a file, not a folder")
        code, said = self.refused(engine)
        self.assertNotIn(code, (0, -6, -11), said)
        self.assertIn(str(engine.data), said)

    def test_a_path_too_long_for_a_socket_is_named(self):
        engine = self.engine(self.files)
        engine.data = engine.home / ("d" * 100)
        code, said = self.refused(engine)
        self.assertNotIn(code, (0, -6, -11), said)
        self.assertIn("107", said)

    def test_a_folder_open_to_others_is_closed_or_refused(self):
        engine = self.engine(self.files)
        engine.data.mkdir()
        os.chmod(engine.data, 0o777)
        engine.launch()
        until(lambda: engine.process.poll() is not None or engine.call("health").returncode == DONE,
              "an answer of the engine")
        if engine.process.poll() is None:
            self.assertEqual(engine.data.stat().st_mode & 0o077, 0)
        else:
            self.assertIn(f"chmod 700 {engine.data}", engine.tail())

    def test_the_folder_and_its_socket_are_for_the_owner_alone(self):
        engine = self.engine(self.files).start()
        self.assertEqual(engine.data.stat().st_mode & 0o777, 0o700)
        self.assertEqual((engine.data / "pinion.sock").stat().st_mode & 0o777, 0o600)

    def test_a_stale_socket_is_replaced(self):
        engine = self.engine(self.files).start()
        engine.kill9()
        self.assertTrue((engine.data / "pinion.sock").exists())
        engine.start()
        engine.wait(engine.trigger("t.good"))

    def test_without_an_engine_pinionctl_says_so(self):
        engine = self.engine(self.files)
        self.assertEqual(engine.call("health").returncode, 5)

    def test_a_file_of_configuration_that_says_nothing_certain_is_refused_at_its_place(self):
        engine = self.engine()
        file = engine.home / "config.yaml"
        for text, said in (("engine: {slots: 4}\nengine: {watch: off}\n", f"{file}:2:1: section `engine` is there twice"),
                           ("engine:\n  slots: 4\n  slots: 5\n", f"{file}:3:3: `engine.slots` is given twice"),
                           (None, f"--config {engine.home} is a folder")):
            with self.subTest(said):
                file.write_text(text or "")
                done = subprocess.run([BIN / "pinion", "config", "show", "--config", file if text else engine.home],
                                      capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn(said, done.stderr)

    def test_an_engine_that_can_start_nothing_is_not_healthy(self):
        engine = self.engine({"starts.yaml": "workflow: starts\ntasks: {a: {run: 'true'}}\n"})
        engine.data.mkdir(0o700)
        (engine.data / "launcher.journal").write_text("garbage that nobody wrote\n")
        # A folder with such a file alone is nobody's data folder.
        (engine.data / "FORMAT").write_text("pinion data folder, format 1\n")
        engine.launch()
        said = until(lambda: (done := engine.call("health", "-o", "name")).stdout == "problems\n" and done,
                     "problems to be told")
        self.assertEqual(said.returncode, 1)
        self.assertIn("the launcher is not connected", engine.call("health").stdout)
        run = engine.trigger("t.starts")
        until(lambda: "the launcher is not connected" in engine.call("why", run).stdout, "why")
        (engine.data / "launcher.journal").unlink()
        until(lambda: engine.call("health").returncode == DONE, "a launcher")
        engine.wait(run)

    def test_unknown_options_are_a_usage_error(self):
        done = subprocess.run([BIN / "pinion", "standalone", "--nobody"], capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("--nobody", done.stderr)


if __name__ == "__main__":
    unittest.main()
