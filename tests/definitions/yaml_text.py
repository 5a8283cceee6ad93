"""Documents as YAML text, in the styles that people write: for schema_agreement.py.

A text is read back as what it was, by the core schema of YAML 1.2: what would be a number, a truth value or nothing
there stands in quotes.
"""
import json
import re

PLAIN = re.compile(r"[A-Za-z_/.][\w./@-]*( [\w./-]+)*", re.ASCII)
WORDS = {"true", "false", "null"}


def written(documents, dice):
    """The text of a file. Without `dice` each document is one line of JSON, which is YAML too."""
    if dice is None:
        return "".join(f"---\n{flow(each)}\n" for each in documents)
    return "".join("---\n" + whole(each, dice) for each in documents)


def whole(document, dice):
    filled = isinstance(document, dict) and document
    return block(document, 0, dice) if filled else scalar_or_flow(document, dice) + "\n"


def flow(value):
    return json.dumps(value, ensure_ascii=False)


def text_of(value, dice):
    plain = PLAIN.fullmatch(value) and value.lower() not in WORDS and dice.random() < 0.8
    if plain:
        return value
    simple = value.isprintable() and value
    return "'" + value.replace("'", "''") + "'" if simple and dice.random() < 0.3 else flow(value)


def scalar_or_flow(value, dice):
    if isinstance(value, str):
        return text_of(value, dice)
    if value is None:
        return dice.choice(["null", "~", ""])
    return flow(value)


def block(value, depth, dice):
    indent, lines = "  " * depth, []
    if isinstance(value, dict):
        for key, each in value.items():
            name = text_of(key, dice)
            if isinstance(each, (dict, list)) and each and dice.random() < 0.7:
                lines.append(f"{indent}{name}:\n{block(each, depth + 1, dice)}")
            else:
                lines.append(f"{indent}{name}: {scalar_or_flow(each, dice)}\n")
    else:
        for each in value:
            if isinstance(each, (dict, list)) and each and dice.random() < 0.5:
                lines.append(f"{indent}-\n{block(each, depth + 1, dice)}")
            else:
                lines.append(f"{indent}- {scalar_or_flow(each, dice)}\n")
    return "".join(lines)
