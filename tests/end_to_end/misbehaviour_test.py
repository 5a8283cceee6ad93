"""Tasks that misbehave: a bounded, documented outcome for each."""
import signal
import unittest

from harness import EngineTest, processes_with, until

FILES = """
workflow: missing
tasks:
  listed: {run: [no-such-command-anywhere]}
  shell:  {run: no-such-command-anywhere}
  folder: {run: 'true', cwd: /no/such/folder}
---
workflow: signals
tasks:
  dumps: {run: 'kill -ABRT $$'}
  killed: {run: 'kill -KILL $$'}
---
workflow: stubborn
tasks:
  ignores:
    grace: 500ms
    run: |
      trap '' TERM
      echo ready >> @DIR@/stubborn
      while true; do sleep 0.1; done
---
workflow: leaver
tasks:
  forks:
    run: |
      (MARK=@DIR@/left setsid sleep 300 >/dev/null 2>&1 &)
      (trap '' TERM; MARK=@DIR@/left sleep 300 >/dev/null 2>&1 &)
      echo gone
---
workflow: printer
tasks:
  binary: {run: 'head -c 100000 /dev/urandom; printf "\\n\\377\\376 end\\n"'}
  big:    {run: 'head -c 320000000 /dev/zero | tr "\\0" x | fold -w 99; echo the end'}
  quiet:  {run: 'exec 1>&- 2>&-; exit 0'}
---
workflow: outputs
tasks:
  huge:   {run: 'printf "v=" >> "$PINION_OUTPUT"; head -c 70000 /dev/zero | tr "\\0" x >> "$PINION_OUTPUT"'}
  kinds:
    run: |
      echo 'text=some words' >> "$PINION_OUTPUT"
      echo 'number=1.5' >> "$PINION_OUTPUT"
      echo '{"list": [1, 2], "nested": {"a": null}}' >> "$PINION_OUTPUT"
"""


class Misbehaviour(EngineTest):
    files = {"misbehaviour.yaml": FILES}

    def test_a_missing_command_or_folder_fails_with_its_name(self):
        run_id, seen = self.finish("t.missing", state="failed")
        self.assertEqual({one["state"] for one in seen.values()}, {"failed"})
        self.assertIn("no-such-command-anywhere", str(self.engine.call("describe",
                                                                       f"{run_id}/listed").stdout))
        self.assertIn("/no/such/folder", str(seen["folder"]))
        attempt = self.engine.items("attempts", f"{run_id}/shell")[0]
        self.assertEqual(attempt["exit_code"], 127)

    def test_an_end_by_a_signal_names_the_signal(self):
        run_id, _ = self.finish("t.signals", state="failed")
        for task, number in (("dumps", signal.SIGABRT), ("killed", signal.SIGKILL)):
            attempt = self.engine.items("attempts", f"{run_id}/{task}")[0]
            self.assertIn(attempt["signal"], (int(number), number.name, number.name[3:]))

    def test_a_task_that_ignores_sigterm_is_killed_after_its_grace(self):
        run_id = self.engine.trigger("t.stubborn")
        until(lambda: self.engine.record("stubborn"), "the task")
        self.engine.ctl("cancel", run_id)
        self.engine.wait(run_id, "cancelled", 20)

    def test_what_a_task_leaves_behind_is_gone_when_it_has_ended(self):
        self.finish("t.leaver")
        self.assertEqual(processes_with(f"MARK={self.engine.records}/left"), {})

    def test_binary_and_big_output_are_kept_within_the_cap(self):
        run_id, _ = self.finish("t.printer")
        self.assertIn("end", self.engine.call("logs", f"{run_id}/binary", "--tail", "1").stdout)
        big = self.engine.items("attempts", f"{run_id}/big")[0]
        self.assertGreaterEqual(big["log_bytes"], 320000000)
        self.assertTrue(big["log_cut"])
        self.assertIn("the end", self.engine.call("logs", f"{run_id}/big", "--tail", "1").stdout)
        on_disk = sum(file.stat().st_blocks * 512
                      for file in self.engine.data.rglob("*.log") if "big" in file.name)
        self.assertLess(on_disk, 300 << 20)

    def test_outputs_keep_their_types_and_their_limit(self):
        run_id, seen = self.finish("t.outputs", state="failed")
        self.assertEqual(seen["kinds"]["outputs"], {"text": "some words", "number": 1.5,
                                                    "list": [1, 2], "nested": {"a": None}})
        self.assertEqual(seen["huge"]["state"], "failed")
        self.assertIn("64 KiB", str(seen["huge"]["message"]))


if __name__ == "__main__":
    unittest.main()
