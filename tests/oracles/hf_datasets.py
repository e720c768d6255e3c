"""Hugging Face's `datasets` as a program: questions in (JSON lines), answers out (JSON lines), in the same order.

Run by the oracle's python, not by the tests': `with HfDatasets(python) as peer: peer.load(folder)` starts it. It runs
without the network and keeps its cache in a folder of its own.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any


class HfDatasets:
    """The library in one process, which takes questions until it is closed. `python` is that of its environment."""

    def __init__(self, python: Path) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
        # this file is called as no package is, which is looked for beside it otherwise
        self._process = subprocess.Popen(
            [python, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def load(self, folder: Path) -> dict[str, Any]:
        """Load every configuration of a folder with a card: `configs` maps its name to its splits and columns, or to
        the error; `default` is the name of the one that is loaded when none is named, `warnings` what was logged."""
        return dict(self._ask("load", folder=str(folder)))

    def features(self, file: Path) -> list[dict[str, Any]]:
        """The columns of a Parquet file as the library writes them into a card."""
        return list(self._ask("features", file=str(file)))

    def run(self, code: str, folder: Path) -> dict[str, Any]:
        """Run `code` in a folder: the `rows` and `columns` of what it names `documents`."""
        return dict(self._ask("run", code=code, folder=str(folder)))

    def resources(self) -> dict[str, list[str]]:
        """The library's own lists: `size_categories`, `languages`, and the kinds of `creators`."""
        return dict(self._ask("resources"))

    def _ask(self, question: str, **details: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"question": question, **details}).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of datasets ended with {self._process.wait()} over {question}")
        return json.loads(line)

    def __enter__(self) -> HfDatasets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class _Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def load(folder: str) -> dict[str, Any]:
    datasets: Any = importlib.import_module("datasets")
    kept = _Kept()
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    for logger in loggers:
        logger.addHandler(kept)
    configs: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in datasets.get_dataset_config_names(folder):
            try:
                found = datasets.load_dataset(folder, name, cache_dir=cache)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                configs[name] = {"error": f"{type(error).__name__}: {error}"}
                continue
            configs[name] = {
                "splits": {split: len(rows) for split, rows in found.items()},
                "columns": {split: rows.column_names for split, rows in found.items()},
            }
        default = datasets.get_dataset_default_config_name(folder)
    for logger in loggers:
        logger.removeHandler(kept)
    return {"configs": configs, "default": default, "warnings": sorted(set(kept.messages))}


def features(file: str) -> list[dict[str, Any]]:
    datasets: Any = importlib.import_module("datasets")
    schema = importlib.import_module("pyarrow.parquet").read_schema(file)
    return list(datasets.Features.from_arrow_schema(schema)._to_yaml_list())


def run(code: str, folder: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(code, names)
    finally:
        os.chdir(before)
    return {"rows": len(names["documents"]), "columns": names["documents"].column_names}


def resources() -> dict[str, list[str]]:
    package = importlib.import_module("datasets").__file__
    assert package is not None
    folder = Path(package).parent / "utils" / "resources"
    names = {"size_categories": "size_categories", "languages": "languages"}
    found = {name: list(json.loads((folder / f"{file}.json").read_text())) for name, file in names.items()}
    creators = json.loads((folder / "creators.json").read_text())
    return {**found, "creators": creators["annotations"]}


def answer(question: dict[str, str]) -> Any:
    match question["question"]:
        case "load":
            return load(question["folder"])
        case "features":
            return features(question["file"])
        case "run":
            return run(question["code"], question["folder"])
        case "resources":
            return resources()
    raise ValueError(question["question"])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
