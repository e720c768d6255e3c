"""Whether a document's URL is on a list of the user's: pages, domains, hosts files, adblock's rules for domains."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import polars_hash as plh

from explorer.errors import InputError
from explorer.escape import printable
from explorer.ingest.lines import Lines
from explorer.taggers.arrays import Bools, Hashes
from explorer.taggers.model import Tagger, TagType, where
from explorer.taggers.registry import FileTagger
from explorer.taggers.texts import Texts
from explorer.taggers.url_entries import clean_urls, read_lines

_LINES_AT_A_TIME = 1 << 17
_SHOWN = 60  # characters of a line in a message


class Entries:
    """Texts to be looked up: sorted by a hash (some 50 bytes each), and compared as texts."""

    def __init__(self, entries: pl.Series) -> None:
        keys = _hash(entries)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._entries = entries.gather(order)
        runs = np.diff(np.flatnonzero(np.diff(self._keys, prepend=~self._keys[:1], append=~self._keys[-1:])))
        self._n_equal = int(runs.max(initial=0))  # different texts of one hash

    def __len__(self) -> int:
        return len(self._entries)

    def hold(self, texts: pl.Series) -> Bools:
        """Which of some texts (none is null) are entries."""
        keys = _hash(texts)
        first = np.searchsorted(self._keys, keys)
        found = np.zeros(len(texts), dtype=bool)
        for nth in range(self._n_equal):
            places = np.minimum(first + nth, len(self._keys) - 1)
            at = np.flatnonzero(self._keys[places] == keys)
            found[at] |= (self._entries.gather(places[at]) == texts.gather(at)).to_numpy()
        return found


def _hash(texts: pl.Series) -> Hashes:
    frame = pl.DataFrame({"text": texts.cast(pl.String)}).lazy()
    hashes: Hashes = frame.select(plh.col("text").nchash.xxh3_64()).collect().to_series().to_numpy()
    return hashes


@dataclass(frozen=True)
class UrlList:
    """A list that was read."""

    entries: Entries
    n_lines: int
    n_unused: int  # lines
    first_unused: str  # the first of them and why, or ""
    digest: str  # of the lines


def read_list(path: Path, whole_hosts: bool) -> UrlList:
    """Read a list, plain, `.gz` or `.zst`. Raises `InputError` where it cannot be read or has no line of use."""
    try:
        lines = Lines(str(path), path.stat().st_size)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a list of URLs or domains") from error
    sha256 = hashlib.sha256(f"{whole_hosts}\n".encode())
    parts: list[pl.Series] = []
    n_lines = n_unused = 0
    first_unused = ""
    rows = iter(lines)
    while block := [line for _, line in islice(rows, _LINES_AT_A_TIME)]:
        sha256.update(b"".join(block))
        series = pl.Series([line.decode("utf-8", "replace") for line in block])
        entries, unused = read_lines(series, whole_hosts)
        parts.append(entries)
        if unused.height and not first_unused:
            row, why = unused.row(0)
            first_unused = f"line {n_lines + row + 1}, {printable(series[row].strip()[:_SHOWN])}: {why}"
        n_lines += len(block)
        n_unused += unused.height
    if lines.fault:
        raise InputError(f"{path}: {lines.fault.detail}; the list cannot be read to its end")
    found = pl.concat(parts).unique() if parts else pl.Series([], dtype=pl.String)
    if not len(found):
        raise InputError(
            f"{path}: none of {n_lines:,} lines names a page or a domain"
            + (f" ({first_unused})" if first_unused else "")
            + "; write one URL, domain, `IP name` or `||domain^` a line"
        )
    return UrlList(Entries(found), n_lines, n_unused, first_unused, sha256.hexdigest()[:16])


def on_list(urls: pl.Series, entries: Entries) -> Bools:
    """Which URLs (null for none) are on a list: their page, or their host or a domain above it."""
    distinct = urls.drop_nulls().unique()
    parts = clean_urls(distinct)
    known = parts["host"].is_not_null()
    distinct, parts = distinct.filter(known), parts.filter(known)
    owners: list[int] = []
    wanted: list[str] = []
    for number, (host, page) in enumerate(parts.select("host", "page").iter_rows()):
        names = [f"p:{page}", f"h:{host}", f"d:{host}"]
        if not host.startswith("[") and not host.rpartition(".")[2].isdigit():
            labels = host.split(".")
            names += ["d:" + ".".join(labels[i:]) for i in range(1, len(labels) - 1)]
        wanted += names
        owners += [number] * len(names)
    if not wanted:
        return np.zeros(len(urls), dtype=bool)
    hits = np.unique(np.array(owners)[entries.hold(pl.Series(wanted))])
    return urls.is_in(distinct.gather(hits).implode()).fill_null(False).to_numpy()


def _open(kind: str, name: str, path: Path) -> Tagger:
    found = read_list(path, kind.startswith("domain"))
    unused = f"; {found.n_unused:,} lines are not used, the first is {found.first_unused}" if found.n_unused else ""
    entries = found.entries
    return Tagger(
        name,
        f"{_DOCS[kind]} {printable(path.name)} has {found.n_lines:,} lines with {len(entries):,} entries{unused}.",
        _SOURCE,
        _types(kind),
        lambda texts: (where("url", on_list(_urls(texts), entries)),),
        key=found.digest,
    )


def _urls(texts: Texts) -> pl.Series:
    return texts.frame["url"].cast(pl.String)


_URL_LINES = (
    "A line with a scheme, a port, a path or a query is a page and matches that page alone; a bare name (also "
    "`IP name`, `||name^`, `*.name`, `.name`) matches the host and all hosts below it, `www.name` also `name` itself."
)
_DOMAIN_LINES = (
    "Every line stands for its host, whatever page it names, and matches the host and all hosts below it, `www.name` "
    "also `name` itself."
)
_DOCS = {
    "url_blocklist": f"Whether the document's URL is on a list of what to leave out. {_URL_LINES}",
    "url_allowlist": f"Whether the document's URL is on a list of what to keep. {_URL_LINES}",
    "domain_blocklist": f"Whether the document's host is on a list of what to leave out. {_DOMAIN_LINES}",
    "domain_allowlist": f"Whether the document's host is on a list of what to keep. {_DOMAIN_LINES}",
}
_SOURCE = (
    "the formats that Dolma toolkit 1.2.1, taggers/url.py, reads (plain, .gz; here also .zst), without its faults: "
    "`www.` is taken away as a prefix and not letter by letter, hosts below a listed domain match, the address 0.0.0.0 "
    "of hosts files is no entry, all names of a hosts line count, comments behind an entry are none of it, URLs "
    "without a host are on no list, rules with conditions ($third-party) and exceptions (@@) are not used"
)


def _types(kind: str) -> tuple[TagType, ...]:
    doc = (
        "1 where the host of the document's URL, or a domain above it, is on the list, else absent. Hosts are compared "
        "in lower case, without port"
        if kind.startswith("domain")
        else "1 where the document's URL is on the list, else absent. Host, port and path are compared, in lower case, "
        "without user, query, fragment and slashes at the end"
    )
    return (TagType("url", "document", "flag", doc),)


TAGGERS: tuple[Tagger, ...] = ()
FILE_TAGGERS = tuple(FileTagger(kind, doc, _SOURCE, _types(kind), partial(_open, kind)) for kind, doc in _DOCS.items())
