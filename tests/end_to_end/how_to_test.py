"""The pages of docs/how-to and the tutorial do what they say, command by command."""
import unittest
from pathlib import Path

from pages import Page, matches, steps_of

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = sorted(page for page in (DOCS / "how-to").glob("*.md") if page.name != "README.md")


class Runner(unittest.TestCase):
    """What carries out the pages can fail."""

    def test_output_is_compared_line_by_line(self):
        self.assertTrue(matches(["ID  STATE", "r1 …"], ["ID   STATE", "r1  success  2026-11-30"]))
        self.assertTrue(matches(["first", "…", "last"], ["first", "last"]))
        self.assertTrue(matches(["first", "…", "last"], ["first", "a", "b", "last"]))
        self.assertTrue(matches([], []))
        self.assertFalse(matches(["r1 success"], ["r1 failed"]))
        self.assertFalse(matches(["a.c"], ["abc"]))
        self.assertFalse(matches(["one"], ["one", "two"]))
        self.assertFalse(matches(["one", "two"], ["one"]))
        self.assertFalse(matches([], ["something"]))

    def test_files_commands_and_exit_codes_are_read_off_a_page(self):
        steps = steps_of("words\n```yaml\n# flows/a.yaml: a file\nworkflow: a\n```\n```text\n$ not this\n```\n"
                         "```console\n$ one \\\n    two\nprinted\n$ three      # exit code 4\n```\n")
        self.assertEqual([(step.path, step.command) for step in steps],
                         [("flows/a.yaml", None), (None, "one \\\n    two"), (None, "three      # exit code 4")])
        self.assertEqual((steps[0].text, steps[1].printed, steps[2].printed, steps[2].code),
                         ("# flows/a.yaml: a file\nworkflow: a\n", ["printed"], [], 4))

    def test_every_page_is_listed_and_has_commands(self):
        index = (DOCS / "how-to" / "README.md").read_text(encoding="utf-8")
        for page in HOW_TO:
            with self.subTest(page.name):
                self.assertIn(f"]({page.name})", index)
                self.assertTrue(any(step.command for step in steps_of(page.read_text(encoding="utf-8"))))


class HowTo(unittest.TestCase):
    """One test a page, named after it."""


class Beginning(unittest.TestCase):
    """Pages that start their own engine."""

    def test_the_front_page(self):
        with Page(DOCS.parent / "README.md", engine=False) as page:
            page.check()

    def test_the_tutorial(self):
        with Page(DOCS / "tutorial.md", engine=False) as page:
            page.check()


def carried_out(path):
    def test(self):
        with Page(path) as page:
            page.check()
    return test


for each in HOW_TO:
    setattr(HowTo, f"test_{each.stem.replace('-', '_')}", carried_out(each))

if __name__ == "__main__":
    unittest.main()
