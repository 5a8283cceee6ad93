"""What the documentation shows is true: its workflows are valid, its verbs exist."""
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BIN

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def yaml_blocks(page):
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)


class Documents(unittest.TestCase):
    def test_every_workflow_in_the_documents_is_valid(self):
        for page in PAGES:
            blocks = yaml_blocks(page)
            if not blocks:
                continue
            with self.subTest(page.name), tempfile.TemporaryDirectory() as home:
                folder = Path(home, "docs")
                folder.mkdir()
                for number, text in enumerate(blocks):
                    name = "pinion.yaml" if text.startswith("# pinion.yaml") else f"block{number}.yaml"
                    (folder / name).write_text(text, encoding="utf-8")
                done = subprocess.run([BIN / "pinionctl", "validate", folder], capture_output=True,
                                      text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_verb_of_the_reference_has_help(self):
        text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
        table = text.partition("### Verbs")[2]
        verbs = set()
        for cell in re.findall(r"^\| (`.*?) \|", table, re.M):
            verbs.update(re.findall(r"`([a-z]+)[ `]", cell))
        self.assertGreater(len(verbs), 20)
        for verb in sorted(verbs):
            with self.subTest(verb):
                done = subprocess.run([BIN / "pinionctl", verb, "--help"], capture_output=True, text=True,
                                      timeout=30, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(verb, done.stdout)

    def test_links_between_the_documents_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    with self.subTest(f"{page.name} -> {target}"):
                        self.assertTrue((page.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
