"""The Dolma toolkit's mixer as a program: cases in (JSON lines), outcomes out (JSON lines), in the same order.

Run by the oracle's python, not by the tests'; `tests.oracles.client` starts it and says what cases and outcomes are.
Only the toolkit's compiled module is loaded: all of the mixer is in it (`dolma.mixer` hands it the configuration as
JSON, the command line checks a few fields before that), and it needs none of the toolkit's dependencies.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RUST_LOG"] = "error"  # read once, when the module is loaded
os.environ["RUST_BACKTRACE"] = "0"


def load_toolkit() -> Any:
    """The compiled module of the installed toolkit."""
    package = importlib.util.find_spec("dolma")
    assert package is not None
    assert package.submodule_search_locations is not None, "no toolkit in this environment"
    (binary,) = Path(package.submodule_search_locations[0]).glob("dolma.*.so")
    spec = importlib.util.spec_from_file_location("dolma.dolma", binary)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepared(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration of a case, its output and working folders below `folder`."""
    if "config" in case:
        config = dict(case["config"])
    else:
        write_rows(folder / "documents" / "0.jsonl", case["documents"])
        for name, rows in case["attributes"].items():
            write_rows(folder / "attributes" / name / "0.jsonl", rows)
        stream = {
            "name": "stream",
            "attributes": list(case["attributes"]),
            **case["stream"],
            "documents": [str(folder / "documents" / "*")],
        }
        config = {"streams": [stream]}
    config["streams"] = [
        {
            **stream,
            "output": {"max_size_in_bytes": 1 << 40, **stream.get("output", {}), "path": str(folder / f"out{i}")},
        }
        for i, stream in enumerate(config["streams"])
    ]
    config["work_dir"] = {"input": str(folder / "in"), "output": str(folder / "work")}
    return {"processes": 1, **config}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def outcome(toolkit: Any, case: dict[str, Any], folder: Path, log: Path) -> dict[str, Any]:
    """Run one case; `log` is the file that the mixer's standard error goes to."""
    config = prepared(case, folder)
    before = log.stat().st_size
    raised = False
    try:
        toolkit.mixer_entrypoint(json.dumps(config))
    except RuntimeError:
        raised = True
    outputs = [folder / f"out{i}" for i in range(len(config["streams"]))]
    # a shard whose thread panics leaves its temporary file and no error
    is_complete = not raised and not any(any(output.rglob("*.tmp")) for output in outputs)
    with log.open("rb") as file:
        file.seek(before)
        said = file.read().decode("utf-8", "replace").replace(str(folder), "")
    kept = [
        kept_row(stream["name"], row, bool(case.get("with_text")))
        for stream, output in zip(config["streams"], outputs, strict=True)
        for row in written(output)
    ]
    return {"kept": kept, "error": None if is_complete else said.strip()[:2000] or "?", "is_raised": raised}


def written(output: Path) -> Iterator[dict[str, Any]]:
    """The documents below an output folder."""
    for path in sorted(output.rglob("*")):
        if path.is_file() and path.suffix != ".tmp":
            with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as f:
                yield from map(json.loads, f)


def kept_row(stream: str, row: dict[str, Any], with_text: bool) -> dict[str, Any]:
    text = row.get("text", "")
    data = text.encode()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    found = {"stream": stream, "source": row.get("source", ""), "id": row.get("id", "")}
    found |= {"n_chars": len(text), "n_bytes": len(data), "text_md5": md5, "text": text if with_text else None}
    return found


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        log = Path(name, "log")
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
            os.dup2(2, 1)
        toolkit = load_toolkit()
        for line in sys.stdin.buffer:
            folder = Path(name, "case")
            folder.mkdir()
            answers.write(json.dumps(outcome(toolkit, json.loads(line), folder, log)) + "\n")
            answers.flush()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
