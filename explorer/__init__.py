"""Corpus analytics and a data-card explorer for language-model training corpora.

import explorer

with explorer.open("workspace") as corpus:
    corpus.show("composition")
    corpus.sql("select source, count(*) from documents group by all")
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("corpus-explorer")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0.0.0"

from explorer.corpus import Corpus, open_corpus
from explorer.errors import ExplorerError

open = open_corpus  # the name that reads well at the call: explorer.open(...)

__all__ = ["Corpus", "ExplorerError", "__version__", "open"]
