"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """What may be missing on a desk must not be missing in CI."""
    if os.environ.get("CORPUS_EXPLORER_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of test data. Tests that need it skip where the environment does not name one."""
    folder = os.environ.get("CORPUS_EXPLORER_DATA")
    if not folder:
        skip_or_fail("CORPUS_EXPLORER_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def mini_dolma(data: Path) -> Path:
    """A small real corpus in Dolma's format, with the totals in its truth.json."""
    return data / "mini-dolma"
