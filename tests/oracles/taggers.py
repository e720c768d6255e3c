"""The Dolma toolkit's taggers as a program: requests in (JSON lines), answers out (JSON lines), in the same order.

- `{"module": name, "tagger": name, "texts": [...]}`: the attributes of each text (`found`), the CPU time (`seconds`);
- `{"module": "url", "base": class, "lists": [paths], "urls": [...]}`: what the toolkit keeps of the lists, and whether
  each URL is on them;
- `{"module": "fasttext", "model": path, "texts": [...]}`: labels and probabilities;
- `{"module": "train", "lines": path, "model": path, "quantize": options, "options": ...}`: makes a model.

Run by the oracle's python; `tests.oracles.toolkit` starts it. Of the toolkit's packages only the modules that are asked
for are loaded, because the others need hundreds of megabytes of dependencies.
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


def load_packages() -> None:
    """The toolkit's packages without what their `__init__` loads."""
    found = importlib.util.find_spec("dolma")
    assert found is not None
    assert found.submodule_search_locations is not None, "no toolkit in this environment"
    root = Path(found.submodule_search_locations[0])
    for name, folder in (("dolma", root), ("dolma.core", root / "core"), ("dolma.taggers", root / "taggers")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def tag(request: dict[str, Any], known: dict[str, Any]) -> Any:
    importlib.import_module(f"dolma.taggers.{request['module']}")
    registry = importlib.import_module("dolma.core.registry").TaggerRegistry
    document = importlib.import_module("dolma.core.data_types").Document
    name = request["tagger"]
    tagger = known.setdefault(name, None) or registry.get(name)()
    known[name] = tagger
    documents = [document(source="", id="", text=text) for text in request["texts"]]
    began = time.process_time()
    found = [tagger.group_output(tagger.predict(each)) for each in documents]
    return {"found": found, "seconds": time.process_time() - began}


def check_urls(request: dict[str, Any]) -> Any:
    sys.modules["dolma.core.url_blocker"] = types.ModuleType("dolma.core.url_blocker")
    sys.modules["dolma.core.url_blocker"].UrlBlocker = None  # type: ignore[attr-defined]
    base = getattr(importlib.import_module("dolma.taggers.url"), request["base"])
    tagger = type("Tagger", (base,), {"BLOCKLIST_PATHS": request["lists"]})()
    found = [any(tagger.check_url(each) for each in tagger.clean_url(url)) for url in request["urls"]]
    return {"entries": sorted(tagger.blocklist), "found": found}


def predict(request: dict[str, Any], known: dict[str, Any]) -> Any:
    model = known.get(request["model"])
    if model is None:
        model = known[request["model"]] = importlib.import_module("fasttext.FastText")._FastText(request["model"])
    found = []
    for text in request["texts"]:
        labels, scores = model.predict(text, k=-1)
        found.append([[label, float(score)] for label, score in zip(labels, scores, strict=True)])
    return found


def train(request: dict[str, Any]) -> Any:
    fasttext = importlib.import_module("fasttext")
    model = fasttext.train_supervised(request["lines"], thread=1, verbose=0, **request["options"])
    if request["quantize"]:
        model.quantize(input=request["lines"], retrain=False, **request["quantize"])
    model.save_model(request["model"])
    return {"labels": model.get_labels()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the toolkit prints
    logging.disable(logging.WARNING)
    load_packages()
    known: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["module"] == "url":
            answer = check_urls(request)
        elif request["module"] == "fasttext":
            answer = predict(request, known)
        elif request["module"] == "train":
            answer = train(request)
        else:
            answer = tag(request, known)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
