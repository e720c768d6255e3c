"""A number between 0 and 1 for each document, to draw samples and to split a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from explorer.taggers.model import Tagger, Tags, TagType, every
from explorer.taggers.texts import Texts

_DIGITS = 13  # hexadecimal: 52 bits, which a double holds


def random_number(source: str | None, doc_id: str | None, text: str, seed: int) -> float:
    """A number in [0, 1) that depends on the document alone: equal wherever and however often it is computed.

    It is the first 13 hexadecimal digits of the SHA-256 of "1", the seed, the source and the id, joined by line feeds,
    by 16^13; the text stands in for an id that is missing or empty. DuckDB can compute it as
    `('0x' || left(sha256(concat_ws(chr(10), '1', seed, source, id)), 13))::bigint / 16 ** 13`.
    """
    message = f"1\n{seed}\n{source or ''}\n{doc_id or text}"
    return int(hashlib.sha256(message.encode()).hexdigest()[:_DIGITS], 16) / 16.0**_DIGITS


def random_tagger(name: str, seed: int) -> Tagger:
    """A tagger of random numbers with a seed of its own, such as a second draw."""

    def tag(texts: Texts) -> Iterator[Tags]:
        rows = texts.frame.select("source", "id", "text").rows()
        found = [random_number(source, doc_id, text, seed) for source, doc_id, text in rows]
        yield every(texts, "random", np.array(found, dtype=np.float64))

    return Tagger(
        name,
        f"A random number for each document, the same in every run (seed {seed}).",
        "the name and type of Dolma toolkit 1.2.1, taggers/sampling.py, where the numbers depend on the process and on "
        "the order of the documents, so that no two runs agree",
        (
            TagType(
                "random",
                "document",
                "number from 0 to 1",
                "uniform: the first 52 bits of the SHA-256 of (version, seed, source, id), by 2^52; of (version, seed, "
                'source, text) without an id. Documents of one source and id have one number, and 7 and "7" are '
                "one id. Files hold 5 decimals",
            ),
        ),
        tag,
        key=f"seed {seed}",
    )


TAGGERS = (random_tagger("random_number_v1", seed=1),)
