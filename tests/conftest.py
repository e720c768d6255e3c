"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.oracles.client import Mixer
from tests.oracles.croissant import Croissant
from tests.oracles.hf_datasets import HfDatasets
from tests.oracles.toolkit import Toolkit


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


@pytest.fixture(scope="session")
def dolma_python() -> Path:
    """The python of the environment that holds the Dolma toolkit. Tests that need it skip where none is named."""
    python = os.environ.get("CORPUS_EXPLORER_ORACLE_DOLMA")
    if not python:
        skip_or_fail("CORPUS_EXPLORER_ORACLE_DOLMA is not set")
    return Path(python)


@pytest.fixture(scope="session")
def datatrove_python() -> Path:
    """The python of the environment that holds DataTrove. Tests that need it skip where none is named."""
    python = os.environ.get("CORPUS_EXPLORER_ORACLE_DATATROVE")
    if not python:
        skip_or_fail("CORPUS_EXPLORER_ORACLE_DATATROVE is not set")
    return Path(python)


@pytest.fixture(scope="session")
def mixer(dolma_python: Path) -> Iterator[Mixer]:
    """The toolkit's mixer, running."""
    with Mixer(dolma_python) as running:
        yield running


@pytest.fixture(scope="session")
def toolkit(dolma_python: Path) -> Iterator[Toolkit]:
    """The toolkit's taggers, running."""
    with Toolkit(dolma_python) as running:
        yield running


@pytest.fixture(scope="session")
def hf_datasets() -> Iterator[HfDatasets]:
    """Hugging Face's `datasets` library, running. Tests that need it skip where no environment with it is named."""
    python = os.environ.get("CORPUS_EXPLORER_ORACLE_DATASETS")
    if not python:
        skip_or_fail("CORPUS_EXPLORER_ORACLE_DATASETS is not set")
    with HfDatasets(Path(python)) as running:
        yield running


@pytest.fixture(scope="session")
def mlcroissant() -> Iterator[Croissant]:
    """Croissant's library, running. Tests that need it skip where no environment with it is named."""
    python = os.environ.get("CORPUS_EXPLORER_ORACLE_MLCROISSANT")
    if not python:
        skip_or_fail("CORPUS_EXPLORER_ORACLE_MLCROISSANT is not set")
    with Croissant(Path(python)) as running:
        yield running
