"""What the documentation shows is true: its workflows are valid, its verbs exist."""
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BIN, EngineTest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Carried out as they stand by how_to_test.py.
CARRIED_OUT = {ROOT / "docs" / "tutorial.md", *(ROOT / "docs" / "how-to").glob("*.md")}


def yaml_blocks(page):
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)


def run(*words):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)


def completed(script, *words):
    """What bash offers for the last of `words`, the program's among them."""
    program = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pinionctl; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
    done = run("bash", "-c", program, "bash", script, BIN / "pinionctl", *words)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout.split()


def verbs_of_the_code():
    listed = run(BIN / "pinionctl", "--help").stdout.partition("Verbs:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


class Documents(unittest.TestCase):
    def test_every_workflow_in_the_documents_is_valid(self):
        for page in PAGES:
            blocks = yaml_blocks(page)
            if not blocks or page in CARRIED_OUT:
                continue
            with self.subTest(page.name), tempfile.TemporaryDirectory() as home:
                folder = Path(home, "docs")
                folder.mkdir()
                for number, text in enumerate(blocks):
                    name = "pinion.yaml" if text.startswith("# pinion.yaml") else f"block{number}.yaml"
                    (folder / name).write_text(text, encoding="utf-8")
                done = run(BIN / "pinionctl", "validate", folder)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_verb_of_the_reference_has_help(self):
        text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
        table = text.partition("### Verbs")[2].partition("\n### ")[0]
        verbs = set()
        for cell in re.findall(r"^\| (`.*?) \|", table, re.M):
            verbs.update(re.findall(r"`([a-z]+)[ `]", cell))
        self.assertEqual(verbs, set(verbs_of_the_code()), "the table of docs/reference/cli.md names every verb")
        for verb in sorted(verbs):
            with self.subTest(verb):
                done = run(BIN / "pinionctl", verb, "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(verb, done.stdout)

    def test_the_unit_is_what_operations_says(self):
        unit = (ROOT / "packaging" / "pinion.service.in").read_text(encoding="utf-8").splitlines()
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        said = re.findall(r"^\| `(\w+=\S+)`", page.partition("### As a service")[2].partition("###")[0], re.M)
        self.assertIn("KillMode=process", said)
        self.assertIn("Delegate=yes", said)
        for setting in said:
            self.assertIn(setting.rstrip("`,"), unit)

    def test_links_between_the_documents_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    with self.subTest(f"{page.name} -> {target}"):
                        self.assertTrue((page.parent / target).exists())


class Printed(unittest.TestCase):
    """What is printed from the code: pages, man pages, completions."""

    @classmethod
    def setUpClass(cls):
        home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(home.cleanup)
        cls.home = Path(home.name)
        for words in (("pages", cls.home / "reference"), ("install", cls.home / "share", ROOT / "schema")):
            done = run(BIN / "pinion-reference", *words)
            if done.returncode != 0:
                raise AssertionError(done.stderr)

    def test_the_pages_say_what_the_code_says(self):
        for fresh in sorted((self.home / "reference").iterdir()):
            with self.subTest(fresh.name):
                kept = ROOT / "docs" / "reference" / fresh.name
                if not kept.exists() or kept.read_text(encoding="utf-8") != fresh.read_text(encoding="utf-8"):
                    self.fail(f"docs/reference/{fresh.name} is not what the code says: run "
                              "`cmake --build build/debug --target reference`, and commit the page")

    def test_the_pages_name_every_verb_and_setting(self):
        verbs = (self.home / "reference" / "verbs.md").read_text(encoding="utf-8")
        for verb in verbs_of_the_code():
            self.assertIn(f"\n### {verb}\n", verbs)
        settings = (self.home / "reference" / "settings.md").read_text(encoding="utf-8")
        shown = run(BIN / "pinion", "config", "show", "--data", "/nowhere").stdout.splitlines()
        self.assertGreater(len(shown), 10)
        for line in shown:
            self.assertIn(f"| `{line.split()[0]}` |", settings)

    def test_defaults_are_those_that_config_show_prints(self):
        settings = (self.home / "reference" / "settings.md").read_text(encoding="utf-8")
        rows = [line.strip("| ").split(" | ") for line in settings.splitlines() if line.startswith("| `")]
        standards = {row[0].strip("`"): row[3] for row in rows}
        done = subprocess.run([BIN / "pinion", "config", "show"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=True, env={"HOME": "/nowhere"})
        for line in done.stdout.splitlines():
            key, _, value = line.partition("#")[0].partition(" ")
            if key not in ("engine.data", "engine.slots", "plan.timezone"):
                with self.subTest(key):
                    self.assertEqual(value.strip(), standards[key])

    def test_man_pages_hold_the_verbs_and_are_well_formed(self):
        manuals = sorted((self.home / "share" / "man").rglob("*.[15]"))
        self.assertEqual([page.name for page in manuals], ["pinion.1", "pinionctl.1", "pinion.yaml.5"])
        text = manuals[1].read_text(encoding="utf-8")
        for verb in verbs_of_the_code():
            self.assertRegex(text, rf"(?m)^\.SS {verb}\b")
        for page in manuals:
            with self.subTest(page.name):
                self.assertTrue(page.read_text(encoding="utf-8").startswith(".TH "))
                if shutil.which("groff"):
                    done = run("groff", "-man", "-ww", "-z", "-Tutf8", page)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))

    def completed(self, *words):
        return completed(self.home / "share" / "bash-completion" / "completions" / "pinionctl", *words)

    def test_bash_completes_verbs_options_kinds_and_values(self):
        self.assertEqual(set(self.completed("")), {*verbs_of_the_code(), "help"})
        self.assertEqual(self.completed("valid"), ["validate"])
        self.assertEqual(self.completed("-o", "json", "valid"), ["validate"])
        self.assertEqual(self.completed("get", "inst"), ["instances"])
        self.assertEqual(self.completed("resume", "--catch"), ["--catch-up"])
        self.assertEqual(self.completed("resume", "--catch-up", "a"), ["all"])
        self.assertEqual(self.completed("resume", "--catch-up", "=", "l"), ["last"])
        self.assertEqual(self.completed("get", "runs", "--output", ""), ["table", "wide", "json", "yaml", "name"])
        self.assertEqual(self.completed("shutdown", "--tasks", ""), ["leave", "stop"])
        self.assertIn("--server", self.completed("health", "--"))
        self.assertTrue({"verify", "stats", "backup", "restore"} <= set(self.completed("store", "")))
        self.assertEqual(self.completed("validate", str(ROOT / "READM")), [str(ROOT / "README.md")])
        self.assertEqual(self.completed("--server", self.home / "nobody.sock", "rerun", ""), [])

    def test_zsh_knows_every_verb_and_option(self):
        text = (self.home / "share" / "zsh" / "site-functions" / "_pinionctl").read_text(encoding="utf-8")
        self.assertTrue(text.startswith("#compdef pinionctl\n"))
        for verb in verbs_of_the_code():
            self.assertRegex(text, rf"(?m)^    {verb}\) _arguments ")
            self.assertRegex(text, rf"(?m)^    '{verb}:")
        if shutil.which("zsh"):
            done = run("zsh", "-n", self.home / "share" / "zsh" / "site-functions" / "_pinionctl")
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Names(EngineTest):
    files = {"one.yaml": "workflow: named\ntriggers: [{id: nightly, cron: '0 2 * * *'}]\ntasks: {load: {run: 'true'}}\n"}

    def test_bash_completes_what_the_engine_knows(self):
        run_id = self.engine.trigger("t.named")
        self.engine.wait(run_id)
        script = self.engine.home / "completion"
        script.write_text(self.engine.call("completion", "bash").stdout, encoding="utf-8")

        def offered(*words):
            return completed(script, "--server", self.engine.data / "pinion.sock", *words)

        self.assertEqual(offered("trigger", "t."), ["t.named", "t.named/nightly"])
        self.assertEqual(offered("pause", "t.named/"), ["t.named/nightly"])
        self.assertEqual(offered("describe", "r"), [run_id])
        self.assertEqual(offered("logs", f"{run_id}/"), [f"{run_id}/load"])
        self.assertEqual(offered("get", "runs", "--workflow", "t"), ["t.named"])


if __name__ == "__main__":
    unittest.main()
