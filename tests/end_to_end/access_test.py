"""Who may reach an engine: the owner, and with --socket-group the members of a group."""
import grp
import os
import pwd
import stat
import subprocess
import unittest
from pathlib import Path

from harness import BIN, DONE, REFUSED, OwnEngineTest

FLOW = {"a.yaml": "workflow: a\ntasks: {say: {run: echo said}}\n"}


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


class Access(OwnEngineTest):
    def closed(self, folder):
        """Everything in the folder but the socket is the owner's alone."""
        for each in folder.iterdir():
            if each.name != "pinion.sock":
                self.assertEqual(mode(each) & 0o077, 0, each)

    def test_only_the_owner_comes_near(self):
        engine = self.engine(FLOW).start()
        self.assertEqual((mode(engine.data), mode(engine.data / "pinion.sock")), (0o700, 0o600))
        engine.wait(engine.trigger("t.a"))
        self.closed(engine.data)

    def test_the_members_of_a_group_reach_the_socket_and_nothing_else(self):
        group = grp.getgrgid(os.getgid())
        engine = self.engine(FLOW, ("--slots", "2", "--socket-group", group.gr_name)).start()
        engine.wait(engine.trigger("t.a"))
        self.assertEqual((mode(engine.data), mode(engine.data / "pinion.sock")), (0o710, 0o660))
        self.assertEqual((engine.data / "pinion.sock").stat().st_gid, group.gr_gid)
        self.assertEqual(engine.data.stat().st_gid, group.gr_gid)
        self.closed(engine.data)
        engine.terminate()
        engine.options = ["--slots", "2"]
        engine.start()
        self.assertEqual((mode(engine.data), mode(engine.data / "pinion.sock")), (0o700, 0o600))

    @unittest.skipUnless(os.geteuid() == 0, "only root may become another user")
    def test_another_user_needs_the_group(self):
        group = next(one for one in grp.getgrall() if one.gr_gid not in (0, 65534))
        engine = self.engine(FLOW, ("--socket-group", str(group.gr_gid))).start()
        engine.home.chmod(0o711)
        program = Path(engine.home, "pinionctl")
        program.write_bytes((BIN / "pinionctl").read_bytes())
        program.chmod(0o755)

        def ask(gid, *words):
            return subprocess.run([program, *words], user=65534, group=gid, extra_groups=[], cwd="/",
                                  capture_output=True, text=True, timeout=60, check=False)

        server = ("--server", engine.data / "pinion.sock")
        self.assertEqual(ask(group.gr_gid, *server, "health").returncode, DONE)
        refused = ask(65534, *server, "health")
        self.assertEqual(refused.returncode, REFUSED)
        owner = pwd.getpwuid(os.geteuid()).pw_name
        self.assertIn(f"may not enter {engine.data}: it belongs to user {owner} and has mode 0710", refused.stderr)
        self.assertEqual(ask(65534, *server, "version").returncode, DONE)
        # What may not be looked into is not called absent or empty.
        backups, closed = engine.home / "backups", engine.home / "closed"
        engine.ctl("store", "backup", backups)
        closed.mkdir(0o700)
        for words, what in ((("backup", backups, "--list"), f"read {backups}"),
                            (("restore", backups, "--data", closed / "new"), f"read {backups}"),
                            (("verify", "--data", engine.data), f"read {engine.data}"),
                            (("stats", "--data", closed / "old"), f"enter {closed}")):
            with self.subTest(words):
                refused = ask(65534, "store", *words)
                self.assertEqual(refused.returncode, REFUSED, refused.stderr)
                self.assertIn(f"may not {what}: it belongs to user {owner}", refused.stderr)

    def test_a_group_that_is_not_there_is_named(self):
        engine = self.engine(FLOW, ("--socket-group", "no-such-group"))
        engine.launch()
        self.assertEqual(engine.process.wait(timeout=30), 64)
        self.assertIn("--socket-group: there is no group `no-such-group`", engine.tail())


if __name__ == "__main__":
    unittest.main()
