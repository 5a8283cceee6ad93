"""Tasks that look for something until it is there."""
import unittest

from harness import EngineTest, OwnEngineTest, until

FILES = """
workflow: arrives
max_active_runs: 100
params: {file: nothing}
tasks:
  look:
    env: {FILE: "@DIR@/{{ params.file }}"}
    run: 'echo "looked at $PINION_ATTEMPT"; test -e "$FILE" && echo "found=$FILE" > "$PINION_OUTPUT"'
    poll: {every: 200ms, timeout: 5m}
    pool: gate
    retry: {max: 1, delay: 100ms}
  next: {needs: look, run: 'echo {{ inputs.look.found }}'}
---
workflow: in_vain
tasks:
  look: {run: exit 3, poll: {every: 200ms, timeout: 1s, not_yet: [3]}, retry: 5}
---
workflow: breaks
tasks:
  look: {run: exit 9, poll: 200ms, retry: {max: 1, delay: 100ms}}
---
workflow: crowd
tasks:
  look:
    for_each: {i: "{{ range(300) }}"}
    run: 'test -e "@DIR@/crowd"'
    poll: {every: 20s}
  other: {run: 'true'}
"""


class Poll(EngineTest):
    files = {"pinion.yaml": "pools: {gate: 1}\n", "poll.yaml": FILES}

    def polling(self, run_id, name="look", looks=1):
        """Waits until the instance is between two looks and has made so many; returns it."""
        def look():
            one = self.engine.instances(run_id).get(name)
            return one and one["state"] == "waiting" and one["looks"] >= looks and one
        return until(look, f"{run_id}/{name} between looks", 60)

    def test_looks_again_without_permits_and_retries_with_one_log(self):
        run_id = self.engine.trigger("t.arrives", "--param", "file=a")
        seen = self.polling(run_id, looks=3)
        self.assertEqual((seen["reason"], seen["attempt"]), ("polling", 1))
        self.assertIsNotNone(seen["retry_at"])
        until(lambda: not self.engine.items("permits"), "no permit between looks")
        until(lambda: (why := self.engine.ctl("why", f"{run_id}/look"))["state"] == "waiting" and
              [one for one in why["blocked_by"] if one["kind"] == "poll"
               and "the next look is at" in one["message"]], "why it waits")
        (self.engine.records / "a").touch()
        ended = self.engine.wait(run_id)
        self.assertEqual(ended["look"]["attempt"], 1)
        self.assertEqual(ended["look"]["outputs"], {"found": str(self.engine.records / "a")})
        attempts = self.engine.items("attempts", "--run", run_id)
        looks = [one for one in attempts if one["instance"] == f"{run_id}/look"]
        self.assertEqual(len(looks), 1)
        self.assertGreaterEqual(looks[0]["looks"], 4)
        log = self.engine.call("logs", f"{run_id}/look").stdout
        self.assertEqual(log.count("looked at 1"), looks[0]["looks"], log)

    def test_gives_up_after_its_timeout_without_a_retry(self):
        run_id = self.engine.trigger("t.in_vain")
        seen = self.engine.wait(run_id, "failed")["look"]
        self.assertEqual((seen["reason"], seen["attempt"]), ("poll_timeout", 1))
        self.assertIn("exit code 3", seen["message"])

    def test_another_exit_code_uses_a_retry(self):
        run_id = self.engine.trigger("t.breaks")
        seen = self.engine.wait(run_id, "failed")["look"]
        self.assertEqual((seen["reason"], seen["attempt"]), ("exit_nonzero", 2))

    def test_cancel_and_freeze_between_looks(self):
        run_id = self.engine.trigger("t.arrives", "--param", "file=never")
        self.polling(run_id)
        self.engine.ctl("freeze", f"{run_id}/look")
        frozen = until(lambda: (one := self.engine.instances(run_id)["look"])["state"] == "waiting"
                       and one["reason"] == "frozen" and one, "a frozen poll")
        self.engine.ctl("thaw", f"{run_id}/look")
        self.polling(run_id, looks=frozen["looks"] + 1)
        self.engine.ctl("cancel", run_id)
        self.assertEqual(self.engine.wait(run_id, "cancelled")["look"]["state"], "cancelled")

    def test_many_poll_at_once_and_hold_up_nobody(self):
        run_id = self.engine.trigger("t.crowd")
        until(lambda: self.engine.run(run_id)["counts"].get("waiting") == 300, "all between looks", 120)
        self.assertEqual(self.engine.states(run_id)["other"], "success")
        beside = self.engine.trigger("t.breaks")
        self.engine.wait(beside, "failed")
        (self.engine.records / "crowd").touch()
        self.engine.wait(run_id, seconds=120)


class PollOverRestarts(OwnEngineTest):
    def test_goes_on_looking_in_the_same_attempt(self):
        engine = self.engine({"pinion.yaml": "pools: {gate: 1}\n", "poll.yaml": FILES}).start()
        run_id = engine.trigger("t.arrives", "--param", "file=b")
        for _ in range(3):
            before = until(lambda: (one := engine.instances(run_id)["look"])["looks"] >= 2 and one,
                           "looks")
            engine.kill9()
            engine.start()
            until(lambda: engine.instances(run_id)["look"]["looks"] > before["looks"], "further looks")
        (engine.records / "b").touch()
        seen = engine.wait(run_id)["look"]
        self.assertEqual(seen["attempt"], 1)
        log = engine.call("logs", f"{run_id}/look").stdout
        self.assertEqual(log.count("looked at 1"), seen["looks"], log)


if __name__ == "__main__":
    unittest.main()
