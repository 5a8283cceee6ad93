"""Pages that are carried out: their files written, their commands run, their output compared.

A page is Markdown. Of its fenced blocks these mean something here:

- one whose first line is `# PATH` or `# PATH: words` is the file PATH of the page's folder;
- one of the language `console` holds commands, each behind `$ ` (lines after a `\\` belong to it), and below each what it
  prints, standard error included. A command ends with exit code 0, or with N where it says `# exit code N`.

In printed lines runs of blanks count as one, `…` stands for any text, and a line `…` for any number of lines. What
only looks (LOOKING) is asked again until it prints what the page says: states take a moment.

`python3 pages.py PAGE...` writes into the pages what their commands print now; times and durations become `…`.
"""
import os
import re
import selectors
import subprocess
import sys
import time
from pathlib import Path

from harness import BIN, Engine, until

LOOKING = re.compile(r"(pinionctl (--server \S+ )?(get|describe|why|graph|logs|health|plan|wheel|top|diff|render)\b(?!.* -f\b)|cat|ls) ?[^$&;]*$")
TIMES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)|"
                   r"\b(\d+h\d\dm\d\ds|\d+m\d\d\.\ds|\d+\.\d{3}s)")
PROGRESS = re.compile(r"r\d+ [a-z_]+  ([a-z_]+=\d+ ?)*-?$")


class Step:
    """A file to write, or a command with what it prints. Lines are those of the page, from 0."""

    def __init__(self, line, path=None, text="", command=None):
        self.line, self.path, self.text, self.command = line, path, text, command
        self.printed, self.begin, self.end = [], line, line

    @property
    def code(self):
        said = re.search(r"# exit code (\d+)$", self.command)
        return int(said[1]) if said else 0


def steps_of(text):
    """Returns the steps of a page, in order."""
    steps, fence, language, begin = [], None, "", 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        opened = re.match(r"(`{3,})(\w*)$", line)
        if fence is None and opened:
            fence, language, begin = opened[1], opened[2], number + 1
        elif fence is not None and line == fence:
            block = lines[begin:number]
            named = re.match(r"# ([\w./-]+\.\w+)(: .*)?$", block[0]) if block else None
            if language == "console":
                steps += commands_of(block, begin)
            elif named:
                steps.append(Step(begin, path=named[1], text="\n".join(block) + "\n"))
            fence = None
    return steps


def commands_of(block, begin):
    steps = []
    for number, line in enumerate(block, begin):
        if line.startswith("$ "):
            steps.append(Step(number, command=line[2:]))
            steps[-1].begin = steps[-1].end = number + 1
        elif steps and steps[-1].command.endswith("\\") and not steps[-1].printed:
            steps[-1].command += "\n" + line
            steps[-1].begin = steps[-1].end = number + 1
        elif steps:
            steps[-1].printed.append(line)
            steps[-1].end = number + 1
    return steps


def plain(line):
    return " ".join(line.split())


def matches(printed, seen):
    """Whether the lines that a page gives stand for what was seen."""
    pattern = ""
    for line in printed:
        line = plain(line)
        pattern += "(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n"
    return re.fullmatch(pattern, "".join(plain(line) + "\n" for line in seen)) is not None


def usual(command, seen):
    """What was seen, without what differs from run to run."""
    def wild(time):
        # In a table the columns stay where they are.
        return "…".ljust(len(time[0])) if time.string[time.end():].startswith("  ") else "…"

    if "--from" not in command:
        seen = [TIMES.sub(wild, line).rstrip() for line in seen]
    progress = [bool(PROGRESS.match(line)) for line in seen]
    return [("…" if told else line) for line, told, before in zip(seen, progress, [False, *progress])
            if not (told and before)]


class Shell:
    """One bash for all commands of a page, so that `cd`, `export` and `&` mean what they say."""

    MARK = "--- end of command"

    def __init__(self, folder, environment):
        self.bash = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, env=environment,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        os.set_blocking(self.bash.stdout.fileno(), False)

    def run(self, command, seconds=120):
        """Returns (lines printed, exit code)."""
        wrapped = f"{{ {command}\n}} </dev/null\nprintf '\\n%s %d\\n' '{self.MARK}' $?\n"
        self.bash.stdin.write(wrapped.encode())
        self.bash.stdin.flush()
        deadline, seen = time.monotonic() + seconds, b""
        with selectors.DefaultSelector() as ready:
            ready.register(self.bash.stdout, selectors.EVENT_READ)
            while True:
                text = seen.decode(errors="replace")
                ended = re.search(rf"\n{self.MARK} (\d+)\n$", text)
                if ended:
                    return text[:ended.start()].rstrip("\n").splitlines(), int(ended[1])
                if time.monotonic() > deadline:
                    raise AssertionError(f"`{command}` has not ended after {seconds} s; it printed:\n{text}")
                if ready.select(timeout=1):
                    chunk = self.bash.stdout.read()
                    if chunk == b"":
                        raise AssertionError(f"`{command}` ended the shell; it printed:\n{text}")
                    seen += chunk or b""

    def close(self):
        self.bash.stdin.close()
        self.bash.kill()
        self.bash.wait()
        self.bash.stdout.close()


class Page:
    """A page being carried out in a folder of its own.

    With `engine` an engine over the folder `flows` is started before the first command, and
    PINION_SERVER leads to it; without, the page starts what it needs.
    """

    def __init__(self, path, engine=True):
        self.path = Path(path)
        self.text = self.path.read_text(encoding="utf-8")
        self.steps = steps_of(self.text)
        self.has_engine = engine
        self.engine = Engine()
        self.engine.workflows.rmdir()
        self.engine.workflows = self.engine.home / "flows"
        self.engine.workflows.mkdir()
        # The engine's folders are named as a reader's would be: relative to the page's folder.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PINION")}
        environment.update(PATH=f"{BIN}:{environment['PATH']}", HOME=str(self.engine.home), TZ="UTC", LC_ALL="C.UTF-8",
                           PAGE_HOME=str(self.engine.home))
        if engine:
            environment["PINION_SERVER"] = str(self.engine.data / "pinion.sock")
        self.engine.environment = environment
        self.shell = Shell(self.engine.home, environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shell.close()
        self.engine.close()

    def write(self, step):
        """Writes a file; what the engine watches counts once it has been taken up."""
        path = self.engine.home / step.path
        path.parent.mkdir(parents=True, exist_ok=True)
        watched = step.path.startswith("flows/") and step.path.endswith(".yaml")
        before = self.taken()
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(step.text, encoding="utf-8")
        os.replace(fresh, path)
        if watched and self.engine.process is not None:
            until(lambda: self.taken() > before, f"the engine to take up {step.path}:\n{self.engine.tail()}", 60)

    def taken(self):
        if not self.engine.log.exists():
            return 0
        return len(re.findall(r" workflow \w+: id=|nothing of the folder", self.engine.log.read_text(errors="replace")))

    def carry_out(self, step, patience=60):
        """Runs one command; returns its output, which may not be what the page says."""
        if self.has_engine and self.engine.process is None:
            self.engine.start()
        deadline = time.monotonic() + patience
        while True:
            seen, code = self.shell.run(step.command)
            if (code == step.code and matches(step.printed, seen)) or not LOOKING.match(step.command) \
                    or time.monotonic() > deadline:
                return seen, code
            time.sleep(0.2)

    def check(self):
        """Carries out the page; raises AssertionError at the first command that does something else."""
        for step in self.steps:
            if step.path:
                self.write(step)
                continue
            seen, code = self.carry_out(step)
            if code != step.code or not matches(step.printed, seen):
                raise AssertionError(
                    f"{self.path}:{step.line + 1}: `{step.command}`\n"
                    f"exit code {code}, the page says {step.code}; it printed\n" + "\n".join(seen) +
                    "\n--- the page says\n" + "\n".join(step.printed) + f"\n--- the engine's log\n{self.engine.tail()}")

    def fill(self):
        """Returns the page's text with what the commands print now."""
        lines, shift = self.text.splitlines(), 0
        for step in self.steps:
            if step.path:
                self.write(step)
                continue
            seen, code = self.carry_out(step, patience=3)
            if code != step.code:
                print(f"{self.path}:{step.line + 1}: exit code {code}, the page says {step.code}", file=sys.stderr)
            if not matches(step.printed, seen):
                seen = [line.replace(str(self.engine.home), "…") for line in usual(step.command, seen)]
                lines[step.begin + shift:step.end + shift] = seen
                shift += len(seen) - (step.end - step.begin)
        return "\n".join(lines) + "\n"


def main(paths):
    for path in paths:
        with Page(path, engine="how-to" in Path(path).parts) as page:
            page.path.write_text(page.fill(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
