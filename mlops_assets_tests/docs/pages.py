"""The written pages, and what they name: read once, for the tests of this room."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text()
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text()
PAGES = {
    "README.md": README,
    "CHANGELOG.md": CHANGELOG,
    "CONTRIBUTING.md": CONTRIBUTING,
    **{f"docs/{page.name}": page.read_text() for page in sorted((PROJECT / "docs").glob("*.md"))},
}

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks of one language."""
    return [body for found, body in _FENCED.findall(text) if found == language]


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level, up to the next one."""
    _, _, rest = text.partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def spoken(text: str) -> str:
    """The inline code and the console commands of a page, one a line: where names are names."""
    inline = re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))
    lines = [line for block in blocks(text, "console") for line in block.splitlines()]
    typed = [line[2:].partition(" #")[0] for line in lines if line.startswith("$ ")]
    return "\n".join([*inline, *typed])
