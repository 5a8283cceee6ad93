"""Runs of the size that the documentation allows, through the programs and the real store."""
import unittest

from harness import EngineTest

WIDE, CHAIN = 10_000, 2_000

FILES = {
    "wide.yaml": "workflow: wide\ntasks:\n" + "".join(f"  t{i}: {{type: empty}}\n" for i in range(WIDE)),
    "chain.yaml": "workflow: chain\ntasks:\n  t0: {type: empty}\n" +
                  "".join(f"  t{i}: {{type: empty, needs: t{i - 1}}}\n" for i in range(1, CHAIN)),
}


class Size(EngineTest):
    files = FILES

    def finish_all(self, workflow, count):
        run = self.engine.ctl("trigger", workflow, "--wait", "--timeout", "4m")
        self.assertEqual((run["state"], run["counts"]), ("success", {"success": count}))
        return run["id"]

    def test_a_wide_run_of_10_000_tasks_ends_well(self):
        run_id = self.finish_all("t.wide", WIDE)
        page = self.engine.ctl("get", "instances", "--run", run_id, "--limit", "1000")
        self.assertEqual(len(page["items"]), 1000)
        self.assertIsNotNone(page["next"])

    def test_a_chain_of_2_000_tasks_ends_well(self):
        run_id = self.finish_all("t.chain", CHAIN)
        last = self.engine.ctl("describe", f"{run_id}/t{CHAIN - 1}")
        self.assertEqual(last["state"], "success")
        self.assertLessEqual(self.engine.ctl("describe", f"{run_id}/t0")["ended_at"], last["started_at"])


if __name__ == "__main__":
    unittest.main()
