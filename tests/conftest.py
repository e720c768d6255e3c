"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of test data. Tests that need it skip where the environment does not name one."""
    folder = os.environ.get("CORPUS_EXPLORER_DATA")
    if not folder:
        pytest.skip("CORPUS_EXPLORER_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def mini_dolma(data: Path) -> Path:
    """A small real corpus in Dolma's format, with the totals in its truth.json."""
    return data / "mini-dolma"
