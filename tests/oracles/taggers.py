"""The Dolma toolkit's taggers as a program: requests in (JSON lines), answers out (JSON lines), in the same order.

A request is `{"tagger": name, "texts": [...]}`, an answer `{"found": [attributes of each text], "seconds": CPU}`.
Run by the oracle's python; `tests.oracles.client` starts it. Of the toolkit's packages only the modules that are named
here are loaded, because the others need hundreds of megabytes of dependencies.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

MODULES = ("gopher", "c4", "pii")


def load_registry() -> Any:
    """The toolkit's registry with the taggers of `MODULES`, without running its packages' `__init__`."""
    found = importlib.util.find_spec("dolma")
    assert found is not None
    assert found.submodule_search_locations is not None, "no toolkit in this environment"
    root = Path(found.submodule_search_locations[0])
    for name, folder in (("dolma", root), ("dolma.core", root / "core"), ("dolma.taggers", root / "taggers")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    for module in MODULES:
        importlib.import_module(f"dolma.taggers.{module}")
    return importlib.import_module("dolma.core.registry").TaggerRegistry


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the toolkit prints
    logging.disable(logging.WARNING)
    registry = load_registry()
    document = importlib.import_module("dolma.core.data_types").Document
    taggers: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        name = request["tagger"]
        if name not in taggers:
            taggers[name] = registry.get(name)()
        tagger = taggers[name]
        documents = [document(source="", id="", text=text) for text in request["texts"]]
        began = time.process_time()
        found = [tagger.group_output(tagger.predict(each)) for each in documents]
        seconds = time.process_time() - began
        print(json.dumps({"found": found, "seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
