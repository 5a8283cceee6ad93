"""The examples and every shape of a graph, run to their ends."""
import shutil
import subprocess
import unittest

from harness import BIN, EXAMPLES, Engine, EngineTest, FAILED


class Examples(EngineTest):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine()
        cls.addClassCleanup(cls.engine.close)
        shutil.copytree(EXAMPLES / "basics", cls.engine.workflows / "basics")
        cls.engine.start()

    def test_serial_hands_values_on(self):
        _, seen = self.finish("basics.serial")
        self.assertEqual(seen["first"]["outputs"], {"number": 20})
        self.assertEqual(seen["second"]["outputs"], {"number": 21})

    def test_an_upstream_ends_before_its_downstream_starts(self):
        _, seen = self.finish("basics.mixed")
        for one in seen.values():
            self.assertIsNotNone(one["started_at"], one["task"])
        self.assertLessEqual(seen["begin"]["ended_at"], seen["left"]["started_at"])
        self.assertLessEqual(seen["left"]["ended_at"], seen["end"]["started_at"])
        self.assertLessEqual(seen["right"]["ended_at"], seen["end"]["started_at"])

    def test_tasks_without_needs_run_side_by_side(self):
        _, seen = self.finish("basics.parallel")
        self.assertLess(max(one["started_at"] for one in seen.values()),
                        min(one["ended_at"] for one in seen.values()))

    def test_the_backup_path_covers_a_failed_task(self):
        _, seen = self.finish("basics.backup_path")
        self.assertEqual({name: one["state"] for name, one in seen.items()},
                         {"model": "failed", "model_bak": "success", "publish": "success"})
        self.assertEqual(seen["model"]["attempt"], 2)

    def test_a_backup_path_that_is_not_needed_is_skipped(self):
        _, seen = self.finish("basics.backup_path", "--param", "healthy=true")
        self.assertEqual(seen["model_bak"]["state"], "skipped")
        self.assertEqual(seen["publish"]["state"], "success")

    def test_a_retry_takes_a_new_attempt(self):
        run_id, seen = self.finish("basics.retry")
        self.assertEqual(seen["unsteady"]["attempt"], 3)
        attempts = self.engine.items("attempts", f"{run_id}/unsteady")
        self.assertEqual(sorted((one["number"], one["exit_code"]) for one in attempts),
                         [(1, 75), (2, 75), (3, 0)])

    def test_a_fan_out_has_one_instance_an_element(self):
        run_id, seen = self.finish("basics.fan_out")
        self.assertEqual(sorted(seen), ["list", "load:AUT", "load:DEU", "load:NLD", "report"])
        self.assertEqual(seen["load:DEU"]["outputs"], {"length": 3})
        self.assertIn('"DEU"', self.engine.call("logs", f"{run_id}/report").stdout)

    def test_a_sub_workflow_is_a_run_of_its_own(self):
        run_id, seen = self.finish("basics.sub_workflow")
        self.assertEqual(seen["greet"]["state"], "success")
        called = self.engine.items("runs", "--workflow", "basics.greeting")
        self.assertEqual([one["state"] for one in called], ["success"])
        self.assertEqual(called[0]["params"], {"name": "world"})
        self.assertEqual(called[0]["slot"], self.engine.run(run_id)["slot"])
        self.assertIn("hello world", self.engine.call("logs", called[0]["id"]).stdout)

    def test_a_run_can_be_looked_at_from_every_side(self):
        run_id, _ = self.finish("basics.mixed")
        self.assertEqual(self.engine.run(run_id)["counts"], {"success": 4})
        self.assertIn("left", self.engine.call("graph", run_id).stdout)
        self.assertIn("left", self.engine.call("describe", run_id).stdout)
        self.assertEqual(self.engine.call("version").returncode, 0)
        self.assertEqual(self.engine.call("wheel").returncode, 0)
        names = [one["workflow"] for one in self.engine.items("workflows", "--project", "basics")]
        self.assertIn("mixed", names)


CHECKS = """
workflow: checks
tasks:
  strong_good: {run: 'true', checks: [{command: 'test -d "$PINION_WORKSPACE"'}]}
  weak_bad:    {run: 'true', checks: [{command: 'false', weak: true}]}
  after_weak:  {needs: weak_bad, run: 'true'}
---
workflow: bad_data
tasks:
  load:  {run: echo rows=0 >> "$PINION_OUTPUT", checks: [{command: 'exit 3'}]}
  after: {needs: load, run: 'true'}
"""

GRAPH = """
workflow: conditions
params: {branch: left}
tasks:
  left:  {when: "{{ params.branch == 'left' }}", run: 'true'}
  right: {when: "{{ params.branch == 'right' }}", run: 'true'}
  join:  {needs: [left, right], join: none_failed_min_one_success, run: 'true'}
  strict: {needs: [left, right], run: 'true'}
---
workflow: propagation
tasks:
  bad:      {run: exit 4}
  after:    {needs: bad, run: 'true'}
  cleanup:  {needs: after, join: all_done, run: 'true'}
  ignored:  {run: exit 5, ignore_failure: true}
  goes_on:  {needs: ignored, run: 'true'}
---
workflow: skipping
tasks:
  nothing_to_do: {run: exit 99}
  after: {needs: nothing_to_do, run: 'true'}
  nobody: {for_each: {x: []}, run: 'true'}
---
workflow: environment
params: {text: "it's a \\"quoted\\" $HOME; rm -rf /"}
tasks:
  show:
    env: {OWN: "{{ params.text }}"}
    run: |
      printf '%s\\n' {{ params.text }}
      printf '%s\\n' "$OWN" "$PINION_PROJECT.$PINION_WORKFLOW/$PINION_TASK#$PINION_ATTEMPT"
      test -d "$TMPDIR" && test -f "$PINION_PARAMS" && echo files
      false | true
      echo not reached
  listed: {run: [/bin/echo, "{{ params.text }}", "$HOME"]}
---
workflow: grouped
tasks:
  part:
    for_each: {x: {of: [1, 2, 3, 4, 5], groups: 2}}
    run: [/bin/echo, "{{ x }}"]
"""


class Shapes(EngineTest):
    files = {"checks.yaml": CHECKS, "graph.yaml": GRAPH}

    def test_a_weak_check_warns_and_a_strong_one_passes(self):
        _, seen = self.finish("t.checks")
        self.assertEqual({one["state"] for one in seen.values()}, {"success"})

    def test_a_strong_check_that_fails_blocks_what_follows(self):
        _, seen = self.finish("t.bad_data", state="failed")
        self.assertEqual(seen["load"]["state"], "failed")
        self.assertEqual(seen["after"]["state"], "upstream_failed")
        self.assertFalse(seen["load"]["outputs"])

    def test_when_chooses_a_branch_and_skip_spreads(self):
        _, seen = self.finish("t.conditions")
        self.assertEqual({name: one["state"] for name, one in seen.items()},
                         {"left": "success", "right": "skipped", "join": "success",
                          "strict": "skipped"})

    def test_a_failure_spreads_and_an_ignored_one_does_not(self):
        _, seen = self.finish("t.propagation", state="failed")
        self.assertEqual({name: one["state"] for name, one in seen.items()},
                         {"bad": "failed", "after": "upstream_failed", "cleanup": "success",
                          "ignored": "failed", "goes_on": "success"})

    def test_the_skip_exit_and_an_empty_list_are_skips(self):
        # A run in which nothing was done is skipped itself; who waits for it is told that all is well.
        done = self.engine.ctl("trigger", "t.skipping", "--wait")
        self.assertEqual(done["state"], "skipped")
        seen = self.engine.instances(done["id"])
        self.assertEqual({one["state"] for one in seen.values()}, {"skipped"})
        self.assertIsNone(seen["nobody"]["index"])

    def test_values_are_quoted_and_a_failing_line_fails_the_task(self):
        text = "it's a \"quoted\" $HOME; rm -rf /"
        run_id, seen = self.finish("t.environment", state="failed")
        shown = self.engine.call("logs", f"{run_id}/show").stdout
        self.assertEqual(shown.count(text), 2)
        self.assertIn("t.environment/show#1", shown)
        self.assertIn("files", shown)
        self.assertNotIn("not reached", shown)
        self.assertEqual(self.engine.call("logs", f"{run_id}/listed").stdout.strip(), f"{text} $HOME")
        self.assertEqual(seen["show"]["state"], "failed")

    def test_groups_are_even_and_in_order(self):
        run_id, seen = self.finish("t.grouped")
        said = [self.engine.call("logs", f"{run_id}/{name}").stdout.strip() for name in sorted(seen)]
        self.assertEqual(said, ["[1,2,3]", "[4,5]"])


class Offline(unittest.TestCase):
    def test_all_examples_are_valid(self):
        done = subprocess.run([BIN / "pinionctl", "validate", EXAMPLES], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_fault_is_told_with_its_place(self):
        engine = Engine({"bad.yaml": "workflow: bad\ntasks:\n  a: {run: 'true', neds: b}\n"})
        self.addCleanup(engine.close)
        done = subprocess.run([BIN / "pinionctl", "validate", engine.workflows], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stdout + done.stderr, r"bad\.yaml:3:\d+")
        self.assertIn("needs", done.stdout + done.stderr)


@unittest.skipUnless(subprocess.run(["/usr/bin/python3", "-c", "import sklearn"], capture_output=True,
                                    check=False).returncode == 0, "python3-sklearn is not installed")
class MachineLearning(unittest.TestCase):
    def test_the_pipeline_deploys_the_better_model_and_takes_the_backup_path(self):
        engine = Engine(options=("--triggers", "off"))
        self.addCleanup(engine.close)
        shutil.copytree(EXAMPLES / "ml", engine.workflows / "ml",
                        ignore=shutil.ignore_patterns("__pycache__"))
        settings = engine.workflows / "ml" / "pinion.yaml"
        settings.write_text(settings.read_text().replace("../../build/demo/models",
                                                         str(engine.records)))
        engine.start()
        seen = engine.wait(engine.trigger("ml.train"), seconds=120)
        self.assertEqual(seen["neural_network"]["state"], "failed")
        self.assertEqual(seen["neural_network"]["attempt"], 2)
        self.assertEqual(seen["nearest_neighbours"]["state"], "success")
        self.assertEqual(seen["keep_former"]["state"], "skipped")
        metrics = seen["evaluate"]["outputs"]["metrics"]
        self.assertLessEqual({"logistic_regression", "gradient_boosting"}, set(metrics))
        best = max(metrics.values(), key=lambda one: one["auc"])
        self.assertEqual(seen["deploy"]["outputs"]["auc"], best["auc"])
        self.assertTrue((engine.records / "current.model").exists())


if __name__ == "__main__":
    unittest.main()
