"""DataTrove's filters for tests: `with DataTrove(python) as peer: peer.measures(texts)`. Words are those of white space
where `spacy` is not asked for, DataTrove's own (spaCy's English tokens) where it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.oracles.process import Program


class DataTrove(Program):
    """`filters.py`, running. `python` is that of DataTrove's environment."""

    def __init__(self, python: Path) -> None:
        super().__init__(python, Path(__file__).with_name("filters.py"))

    def measures(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """What DataTrove's own functions measure of each text: the scores of `fineweb_v1` and `repetition_v1`."""
        return list(self._about("measures", texts))

    def reasons(self, name: str, texts: Sequence[str], spacy: bool, **cut_offs: float) -> list[str | None]:
        """The first reason for which a filter of `filters.FILTERS` removes each text, None if it is kept. Cut-offs that
        are not given are those of its own."""
        return list(self._about("reasons", texts, filter=name, spacy=spacy, cut_offs=cut_offs))

    def seconds(self, texts: Sequence[str]) -> dict[str, float]:
        """CPU seconds of each filter of `filters.FILTERS` over all texts, alone (so each finds the words anew), and of
        `pipeline`: one text after the other through all of them, as far as it is kept."""
        return dict(self._about("seconds", texts))

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """DataTrove's own words of each text."""
        return list(self._about("words", texts))

    def cut_offs(self) -> dict[str, float]:
        """The default cut-off of each measure, by reason."""
        return dict(self._about("cut_offs", ()))

    def stop_chars(self) -> str:
        """The characters that end a line well, in order."""
        return str(self._about("stop_chars", ()))

    def symbols(self) -> str:
        """The characters that make no word, in order."""
        return str(self._about("symbols", ()))

    def _about(self, question: str, texts: Sequence[str], **details: object) -> Any:
        return self.ask(question=question, texts=list(texts), **details)
