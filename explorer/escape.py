"""Making hostile text harmless: corpus text, source names and attribute keys may hold anything."""

from __future__ import annotations

import re
import unicodedata

# An underscore between letters or digits opens no emphasis, and names are easier to read without backslashes.
_MARKDOWN = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
# Categories that a terminal or a reader's eye may be deceived by: controls, formats (right-to-left marks and the like),
# surrogates, private use, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """Text on one line without control or invisible characters: each is shown as its escape (\\n, \\x1b, \\u202e)."""
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _INVISIBLE else char
        for char in text
    )


def markdown(text: str) -> str:
    """Text as it stands, in any place of a Markdown document, a table's cell included: no markup, no HTML, no link."""
    shown = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = _MARKDOWN.sub(r"\\\1", shown)
    return shown.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def code_span(text: str) -> str:
    """Text as inline code in Markdown, whatever backticks it holds; a pipe would still end a table's cell."""
    shown = printable(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fenced(text: str, language: str = "") -> str:
    """Text as a fenced code block in Markdown that nothing inside can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
