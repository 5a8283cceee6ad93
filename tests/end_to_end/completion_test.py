"""Completion in the shells themselves: bash and zsh on a terminal, with the printed scripts, over a real engine."""
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from harness import BIN, Engine

FILES = """
workflow: orders
triggers: [{id: nightly, cron: "0 2 * * *"}]
tasks:
  fetch: {run: 'true'}
  store: {for_each: {land: [DEU, AUT]}, run: 'true'}
"""

# Typed up to the tabulator, and the line that it makes. Blanks at the end do not count.
LINES = [
    ("a verb", "trig", "trigger"),
    ("a verb after an option of all verbs", "-o json whe", "-o json wheel"),
    ("a verb behind help", "help comp", "help completion"),
    ("an option of the verb", "trigger --bi", "trigger --biz-date"),
    ("an option of all verbs", "get runs --no-c", "get runs --no-color"),
    ("a word of an option of all verbs", "get runs -o ya", "get runs -o yaml"),
    ("a word of an option of the verb", "backfill t.orders --order de", "backfill t.orders --order desc"),
    ("a word of an option behind =", "backfill t.orders --order=de", "backfill t.orders --order=desc"),
    ("a kind", "get back", "get backfills"),
    ("a word of the verb", "completion zs", "completion zsh"),
    ("a file", "validate some-fi", "validate some-file.yaml"),
    ("a file behind an option", "trigger t.orders --params-file some-folder/par",
     "trigger t.orders --params-file some-folder/params.yaml"),
    ("a workflow", "describe t.or", "describe t.orders"),
    ("a workflow behind an option", "get runs --workflow t.or", "get runs --workflow t.orders"),
    ("a trigger", "pause t.orders/ni", "pause t.orders/nightly"),
    ("a run", "cancel r", "cancel r1"),
    ("a run behind an option", "get instances --run r", "get instances --run r1"),
    ("a task of a run", "logs r1/fe", "logs r1/fetch"),
    ("an element of a fan-out", "logs r1/store:DE", "logs r1/store:DEU"),
    ("nothing that is known", "describe nowhere.at.all", "describe nowhere.at.all"),
]


class Shell:
    """An interactive shell on a terminal of its own, in the folder `home`."""

    PROMPT = "ready>"

    def __init__(self, command, home, environment):
        terminal, mine = pty.openpty()
        self.terminal = terminal
        self.process = subprocess.Popen(command, cwd=home, env=environment, stdin=mine, stdout=mine, stderr=mine,
                                        start_new_session=True)
        os.close(mine)
        self.seen = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, pattern, seconds=30):
        """Reads until the pattern is there; returns its match, and drops what was read so far."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"the shell does not print {pattern!r} within {seconds} s, but:\n{self.seen}")
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")

    def run(self, command):
        self.type(f"{command}; echo @en\"\"d=$?\n")
        code = self.expect(r"@end=(\d+)")[1]
        if code != "0":
            raise AssertionError(f"`{command}` ended with {code}")

    def completed(self, typed):
        """What stands on the line after a tabulator. The line is echoed, not carried out."""
        self.type(f"pinionctl {typed}\t")
        # To the line's beginning; the shell has completed before it takes the next key.
        self.type("\x01echo '@li''ne='\"\x05\"'@end'\n")
        line = self.expect(r"@line=([^\r\n]*?)@end\r?\n")[1]
        return line.removeprefix("pinionctl ").rstrip()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine({"orders.yaml": FILES}).start()
        cls.engine.wait(cls.engine.trigger("t.orders"))
        folder = cls.engine.home / "some-folder"
        folder.mkdir()
        (cls.engine.home / "some-file.yaml").write_text(FILES, encoding="utf-8")
        (folder / "params.yaml").write_text("{}\n", encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()

    def shell(self, name, *options):
        program = shutil.which(name)
        self.assertIsNotNone(program, f"{name} is not installed: it is among the packages of `./dev test`")
        environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.engine.home), "TERM": "dumb",
                       "LC_ALL": "C.UTF-8", "PS1": "", "PINION_SERVER": str(self.engine.data / "pinion.sock")}
        made = Shell([program, *options], self.engine.home, environment)
        self.addCleanup(made.close)
        return made

    def check(self, shell):
        for what, typed, line in LINES:
            with self.subTest(what):
                self.assertEqual(shell.completed(typed), line)

    def test_bash_completes(self):
        shell = self.shell("bash", "--noprofile", "--norc", "-i")
        shell.run('eval "$(pinionctl completion bash)"')
        self.check(shell)

    def test_zsh_completes(self):
        shell = self.shell("zsh", "-f", "-i")
        shell.run("bindkey -e; autoload -U compinit && compinit -u -D")
        shell.run('eval "$(pinionctl completion zsh)"')
        self.check(shell)

    def test_zsh_finds_the_script_that_is_installed(self):
        functions = self.engine.home / "functions"
        functions.mkdir()
        script = self.engine.call("completion", "zsh").stdout
        (functions / "_pinionctl").write_text(script, encoding="utf-8")
        shell = self.shell("zsh", "-f", "-i")
        shell.run(f"bindkey -e; fpath=({functions} $fpath); autoload -U compinit && compinit -u -D")
        self.assertEqual(shell.completed("trig"), "trigger")
        self.assertEqual(shell.completed("describe t.or"), "describe t.orders")


if __name__ == "__main__":
    unittest.main()
