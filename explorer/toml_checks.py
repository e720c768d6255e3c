"""Reading a TOML file whose every mistake is named: the file, the key and the choices."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from explorer.errors import UsageError

_WEB = re.compile(r"https?://\S+")


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed file. Raises `UsageError` where it is missing, unreadable or no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; `corpus-explorer init` writes one to fill in") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a corpus.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def table(data: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """The table `key`, empty where it is missing. Raises `UsageError` for anything but a table."""
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {key} is not a table")
    return value


def only(data: Mapping[str, Any], known: Iterable[str], where: str, prefix: str) -> None:
    """Raise `UsageError` for a key that is not known; `prefix` is the table's name with its dot."""
    names = tuple(known)
    for key in data:
        if key not in names:
            raise UsageError(f"{where}: {prefix}{key} is not known; known: {', '.join(names)}")


def texts(data: Mapping[str, Any], where: str, prefix: str) -> dict[str, str]:
    """The table, all of whose values are texts. Raises `UsageError` for another."""
    for key, value in data.items():
        if not isinstance(value, str):
            raise UsageError(f"{where}: {prefix}{key} must be a text in quotes, not {value!r}")
    return dict(data)


def one_of(value: str, choices: Iterable[str], where: str, key: str) -> None:
    """Raise `UsageError` for a value that is neither empty nor one of the choices."""
    names = tuple(choices)
    if value and value not in names:
        raise UsageError(f"{where}: {key} = {value!r} is not one of {', '.join(names)}")


def check_url(value: str, where: str, key: str) -> None:
    """Raise `UsageError` for a value that is neither empty nor an address of the web: cards make links of it."""
    if value and not _WEB.fullmatch(value):
        raise UsageError(f"{where}: {key} = {value!r} is not an address; write one that begins with https://")


def toml_string(text: str) -> str:
    """A TOML basic string: corpus text may hold quotes, backslashes and control characters."""
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(c, c)
        if c.isprintable() or c in "\n\t\r"
        else f"\\U{ord(c):08x}"
        for c in text
    )
    return f'"{escaped}"'
