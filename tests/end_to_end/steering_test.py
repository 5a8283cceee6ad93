"""What people do to runs, and what they are told."""
import subprocess
import threading
import time
import unittest

from harness import BIN, DONE, FAILED, NOT_FOUND, REFUSED, USAGE, WAIT_RAN_OUT, EngineTest, until
from harness import processes_with

# Tasks that wait for a file do so in short steps, and give up after a minute.
AWAIT = 'for i in $(seq 600); do [ -e "@DIR@/{0}" ] && exit 0; sleep 0.1; done; exit 1'

FILES = f"""
workflow: tree
tasks:
  holder:
    grace: 1s
    run: |
      MARK=@DIR@/tree sleep 300 &
      (MARK=@DIR@/tree setsid sleep 300 &)
      echo started >> @DIR@/tree.started
      wait
  after: {{needs: holder, run: 'true'}}
---
workflow: gated
params: {{gate: open}}
tasks:
  gate: {{env: {{GATE: "{{{{ params.gate }}}}"}}, run: 'for i in $(seq 600); do [ -e "@DIR@/$GATE" ] && exit 0; sleep 0.1; done; exit 1'}}
  next: {{needs: gate, run: 'true'}}
---
workflow: chain
overlap: allow
max_active_runs: 10
tasks:
  a: {{run: 'echo "$PINION_RUN a $PINION_ATTEMPT" >> @DIR@/chain'}}
  b: {{needs: a, run: 'echo "$PINION_RUN b $PINION_ATTEMPT" >> @DIR@/chain; echo "n=$PINION_ATTEMPT" >> "$PINION_OUTPUT"'}}
  c: {{needs: b, run: 'echo "$PINION_RUN c $PINION_ATTEMPT" >> @DIR@/chain'}}
  d: {{needs: a, run: 'echo "$PINION_RUN d $PINION_ATTEMPT" >> @DIR@/chain'}}
---
workflow: fails
tasks:
  bad: {{run: exit 7}}
  after: {{needs: bad, run: 'true'}}
---
workflow: talker
tasks:
  talk: {{run: 'echo first line; {AWAIT.format("talk")}; echo last line'}}
  say:  {{needs: talk, run: 'echo last line'}}
---
workflow: clocked
triggers:
  - {{id: secondly, cron: "* * * * * *"}}
overlap: allow
max_active_runs: 50
tasks:
  tick: {{type: empty}}
"""


class Steering(EngineTest):
    files = {"steering.yaml": FILES}

    def open(self, gate):
        (self.engine.records / gate).touch()

    def test_cancel_of_a_run_ends_the_whole_tree(self):
        mark = f"{self.engine.records}/tree"
        run_id = self.engine.trigger("t.tree")
        until(lambda: self.engine.record("tree.started"), "the tree")
        until(lambda: len(processes_with(f"MARK={mark}")) >= 2, "both sleepers")
        self.engine.ctl("cancel", run_id, "--reason", "not wanted")
        seen = self.engine.wait(run_id, "cancelled")
        self.assertEqual(seen["holder"]["state"], "cancelled")
        self.assertEqual(processes_with(f"MARK={mark}"), {})

    def test_cancel_of_a_waiting_instance_needs_no_process(self):
        run_id = self.engine.trigger("t.gated", "--param", "gate=g1", "--ignore-overlap")
        self.engine.wait_state(run_id, "next", "waiting")
        self.engine.ctl("cancel", f"{run_id}/next")
        self.engine.wait_state(run_id, "next", "cancelled")
        self.open("g1")
        self.assertEqual(self.engine.wait(run_id, "cancelled")["gate"]["state"], "success")

    def test_trigger_wait_tells_by_its_exit_code(self):
        run = self.engine.ctl("trigger", "t.chain", "--wait", code=DONE)
        self.assertEqual(run["state"], "success")
        run = self.engine.ctl("trigger", "t.fails", "--wait", code=FAILED)
        self.assertEqual(run["state"], "failed")
        run = self.engine.ctl("trigger", "t.gated", "--param", "gate=g2", "--ignore-overlap", "--wait",
                              "--timeout", "300ms", code=WAIT_RAN_OUT)
        self.assertNotIn(run["state"], ("success", "failed"))
        self.open("g2")
        self.engine.wait(run["id"])

    def test_refusals_have_their_exit_codes(self):
        self.assertEqual(self.engine.call("trigger", "t.nobody").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("describe", "r999999").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("no-such-verb").returncode, USAGE)
        self.assertEqual(self.engine.call("trigger").returncode, USAGE)
        error = self.engine.ctl("trigger", "t.chian", code=NOT_FOUND)["error"]
        self.assertTrue(error["code"] and error["message"])
        done = self.engine.call("trigger", "t.chain", "--param", "nobody=1")
        self.assertNotEqual(done.returncode, DONE)
        finished = self.engine.trigger("t.chain")
        self.engine.wait(finished)
        self.assertEqual(self.engine.call("cancel", finished).returncode, REFUSED)

    def test_a_key_makes_a_trigger_idempotent(self):
        first = self.engine.trigger("t.chain", "--key", "monday")
        self.assertEqual(self.engine.trigger("t.chain", "--key", "monday"), first)

    def test_why_names_the_upstream_that_is_waited_for(self):
        run_id = self.engine.trigger("t.gated", "--param", "gate=g3", "--ignore-overlap")
        self.engine.wait_state(run_id, "gate", "running")
        why = self.engine.ctl("why", f"{run_id}/next")
        self.assertEqual(why["state"], "waiting")
        causes = [one for one in why["blocked_by"] if one["kind"] == "upstream"]
        self.assertIn("gate", causes[0]["ref"])
        self.assertIn("gate", self.engine.call("why", f"{run_id}/next").stdout)
        self.open("g3")
        self.engine.wait(run_id)

    def test_why_tells_what_a_failure_came_from(self):
        run_id = self.engine.trigger("t.fails")
        self.engine.wait(run_id, "failed")
        why = self.engine.ctl("why", run_id)
        self.assertEqual([(one["kind"], one["ref"]) for one in why["blocked_by"]],
                         [("failed", f"{run_id}/bad")])
        self.assertIn("exit code 7", why["blocked_by"][0]["message"])
        why = self.engine.ctl("why", f"{run_id}/after")
        self.assertEqual((why["state"], [one["ref"] for one in why["blocked_by"]]),
                         ("upstream_failed", [f"{run_id}/bad"]))

    def test_logs_follow_a_running_task(self):
        run_id = self.engine.trigger("t.talker")
        self.engine.wait_state(run_id, "talk", "running")
        follower = subprocess.Popen(
            [BIN / "pinionctl", "--server", self.engine.data / "pinion.sock", "logs", "-f",
             f"{run_id}/talk"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.kill)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(follower.stdout), daemon=True)
        # The first line must arrive while the task still runs.
        first = follower.stdout.readline()
        self.assertEqual(first.strip(), "first line")
        self.assertEqual(self.engine.states(run_id)["talk"], "running")
        reader.start()
        self.open("talk")
        self.assertEqual(follower.wait(timeout=30), DONE)
        reader.join(timeout=10)
        follower.stdout.close()
        self.engine.wait(run_id)

    def test_rerun_downstream_keeps_the_others(self):
        run_id = self.engine.trigger("t.chain")
        self.engine.wait(run_id)
        self.engine.ctl("rerun", f"{run_id}/b", "--downstream", "--reason", "new data")

        def counts():
            lines = [line.split()[1] for line in self.engine.record("chain")
                     if line.split()[0] == run_id]
            return {name: lines.count(name) for name in "abcd"}

        until(lambda: counts()["c"] == 2, "the rerun of c")
        seen = self.engine.wait(run_id)
        self.assertEqual(counts(), {"a": 1, "b": 2, "c": 2, "d": 1})
        self.assertEqual(seen["b"]["attempt"], 2)
        self.assertEqual(seen["a"]["attempt"], 1)

    def test_rerun_only_leaves_what_follows(self):
        run_id = self.engine.trigger("t.chain")
        self.engine.wait(run_id)
        self.engine.ctl("rerun", f"{run_id}/b", "--only")
        until(lambda: self.engine.instances(run_id)["b"]["attempt"] == 2, "b's second attempt")
        self.assertEqual(self.engine.wait(run_id)["c"]["attempt"], 1)

    def test_rerun_of_a_failed_run_takes_what_failed(self):
        run_id = self.engine.trigger("t.fails")
        self.engine.wait(run_id, "failed")
        self.engine.ctl("rerun", run_id)
        until(lambda: self.engine.instances(run_id)["bad"]["attempt"] == 2, "bad's second attempt")
        self.assertEqual(self.engine.wait(run_id, "failed")["after"]["state"], "upstream_failed")

    def test_succeed_and_skip_decide_by_hand(self):
        run_id = self.engine.trigger("t.fails")
        self.engine.wait(run_id, "failed")
        self.engine.ctl("succeed", f"{run_id}/bad", "--reason", "checked by hand")
        self.assertEqual(self.engine.instances(run_id)["bad"]["state"], "success")
        run_id = self.engine.trigger("t.gated", "--param", "gate=never", "--ignore-overlap")
        self.engine.wait_state(run_id, "gate", "running")
        self.engine.ctl("skip", f"{run_id}/next")
        self.engine.wait_state(run_id, "next", "skipped")
        self.engine.ctl("fail", f"{run_id}/gate", "--reason", "does not come")
        self.assertEqual(self.engine.wait(run_id, "failed")["gate"]["state"], "failed")

    def test_every_change_is_audited(self):
        run_id = self.engine.trigger("t.tree", "--reason", "why it began", "--ignore-overlap")
        self.engine.ctl("cancel", run_id, "--reason", "why it ended")
        self.engine.wait(run_id, "cancelled")
        records = self.engine.items("audit")
        by_reason = {one["reason"]: one for one in records if one.get("reason")}
        self.assertLessEqual({"why it began", "why it ended"}, set(by_reason))
        ended = by_reason["why it ended"]
        self.assertIn("cancel", str(ended))
        self.assertIn(run_id, str(ended))
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.assertIn(user, ended.values())

    def test_each_verb_leaves_a_record_of_who_and_what(self):
        run_id = self.engine.trigger("t.fails", "--reason", "audit")
        self.engine.wait(run_id, "failed")
        for verb, target in (("rerun", f"{run_id}/bad"), ("succeed", f"{run_id}/bad"),
                             ("pause", "t.fails"), ("resume", "t.fails"), ("hold", None),
                             ("unhold", None)):
            self.engine.ctl(verb, *([target] if target else []), "--reason", "audit")
            if verb == "rerun":
                until(lambda: self.engine.instances(run_id)["bad"]["attempt"] == 2, "the rerun")
                self.engine.wait(run_id, "failed")
        seen = [(one["verb"], one["object"]) for one in self.engine.items("audit")
                if one.get("reason") == "audit"]
        self.assertEqual(seen[::-1], [("trigger", "t.fails"), ("rerun", f"{run_id}/bad"),
                                      ("succeed", f"{run_id}/bad"), ("pause", "t.fails"),
                                      ("resume", "t.fails"), ("hold", "engine"),
                                      ("unhold", "engine")])

    def test_a_paused_trigger_fires_nothing_until_it_is_resumed(self):
        def fired():
            return len(self.engine.items("runs", "--workflow", "t.clocked"))

        until(fired, "the first second")
        self.engine.ctl("pause", "t.clocked", "--reason", "quiet please")
        before = fired()
        # Two further slots pass while the trigger is paused.
        passed = time.monotonic() + 2.2
        until(lambda: time.monotonic() > passed, "two slots")
        self.assertLessEqual(fired(), before + 1)
        workflow = next(one for one in self.engine.items("workflows") if one["workflow"] == "clocked")
        self.assertTrue(workflow["paused"])
        self.engine.ctl("resume", "t.clocked")
        until(lambda: fired() > before + 1, "slots after the resumption")

    def test_a_held_engine_starts_nothing_new(self):
        self.engine.ctl("hold", "--reason", "maintenance")
        try:
            run_id = self.engine.trigger("t.chain")
            why = until(lambda: (w := self.engine.ctl("why", f"{run_id}/a"))["blocked_by"] and w,
                        "a reason")
            self.assertIn("held", [one["kind"] for one in why["blocked_by"]])
            self.assertNotIn(f"{run_id} a 1", self.engine.record("chain"))
        finally:
            self.engine.ctl("unhold")
        self.engine.wait(run_id)


if __name__ == "__main__":
    unittest.main()
