"""The index row's measures against their definitions in plain Python, on text that is hard to count."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.ingest.rows import FRAME_SCHEMA
from explorer.measures import index_rows, read_time
from explorer.urls import HostTable

# Unicode White_Space (PropList.txt), which differs from Python's str.isspace by U+001C to U+001F.
WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_WORD = re.compile(f"[^{WHITE}]+")

NASTY = [
    *WHITE,
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\0",
    "\r\n",
    "\ufffd",
    "\ufeff",
    "\u200b",
    "a",
    "\u00e9",
    "\U0001f600",
    "\U0001f468\u200d\U0001f469",
]
texts = st.one_of(
    st.lists(st.sampled_from(NASTY), max_size=30).map("".join),
    st.text(st.characters(codec="utf-8"), max_size=60),
)  # fmt: skip


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    full = [
        {"row": i, "id": str(i), "is_id_given": True, "source": "s", "text": "", **row} for i, row in enumerate(rows)
    ]
    return pl.DataFrame(full, schema=dict(FRAME_SCHEMA))


def measured(found: list[str]) -> list[tuple[int, ...]]:
    columns = ["n_bytes", "n_bytes_trimmed", "n_chars", "n_words", "n_lines", "n_paragraphs", "n_replacement_chars"]
    table = index_rows(frame([{"text": text} for text in found]), 0, 0, HostTable(), None)
    return list(zip(*(table[column].to_pylist() for column in columns), strict=True))


def defined(text: str) -> tuple[int, ...]:
    lines = text.split("\n")
    return (
        len(text.encode()),
        len(text.strip(WHITE).encode()),
        len(text),
        len(_WORD.findall(text)),
        len(lines) if text else 0,
        sum(1 for line in lines if line.strip(WHITE)),
        text.count("\ufffd"),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6))
@example(["", "\n", "a\x1cb", "a\x85b", "a\u2028b\r\nc", "\0", "\u3000", "\ufeffa", "a\n\n\n b \n"])
def test_counts_are_those_of_the_definitions(found: list[str]) -> None:
    assert measured(found) == [defined(text) for text in found]


def test_hashes_and_names_come_from_the_text() -> None:
    rows: list[dict[str, object]] = [
        {"text": "caf\u00e9", "id": None, "is_id_given": False, "url": "http://x"},
        {"text": "", "url": None},
    ]
    table = index_rows(frame(rows), 5, 2, HostTable(), None)
    md5 = hashlib.md5("caf\u00e9".encode()).hexdigest()
    assert table["id"].to_pylist() == [f"md5:{md5}", "1"]
    assert [u.hex for u in table["text_md5"].to_pylist()] == [md5, hashlib.md5(b"").hexdigest()]
    assert [u and u.hex for u in table["url_md5"].to_pylist()] == [hashlib.md5(b"http://x").hexdigest(), None]
    assert (table["doc"].to_pylist(), table["shard"].to_pylist()) == ([5, 6], [2, 2])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-01T12:30:15.25Z", datetime(2024, 3, 1, 12, 30, 15, 250000)),
        ("2024-03-01T12:30:15.123456789Z", datetime(2024, 3, 1, 12, 30, 15, 123456)),
        ("2024-03-01t12:30:15z", datetime(2024, 3, 1, 12, 30, 15)),
        ("2024-03-01T12:30:15+02:00", datetime(2024, 3, 1, 10, 30, 15)),
        ("2024-03-01T12:30:15-0500", datetime(2024, 3, 1, 17, 30, 15)),
        ("2024-03-01 12:30:15", datetime(2024, 3, 1, 12, 30, 15)),
        ("2024-03-01 12:30:15 UTC", datetime(2024, 3, 1, 12, 30, 15)),
        ("2024-03-01T12:30Z", datetime(2024, 3, 1, 12, 30)),
        (" 2024-03-01\n", datetime(2024, 3, 1)),
        ("2024/03/01", datetime(2024, 3, 1)),
        ("20240301", datetime(2024, 3, 1)),
        ("2024-03", datetime(2024, 3, 1)),
        ("2024", datetime(2024, 1, 1)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("9999-12-31", datetime(9999, 12, 31)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20)),
        ("1700000000.5", datetime(2023, 11, 14, 22, 13, 20, 500000)),
        ("1700000000123", datetime(2023, 11, 14, 22, 13, 20, 123000)),
        ("-100000000", datetime(1966, 10, 31, 14, 13, 20)),
    ],
)
def test_dates_in_their_accepted_forms(text: str, moment: datetime) -> None:
    # The neighbour takes the fast path; one form must not change how another is read.
    assert read_time(pl.Series("t", ["2020-01-01T00:00:00Z", text, None])).to_list() == [
        datetime(2020, 1, 1),
        moment,
        None,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "24-03-01", "2024-02-30", "2024-13-01", "20241301", "99999999", "0000-01-01", "12024-01-01",
        "99999-01-01", "-0044-03-15", "2024-03-01T25:00:00", "\uff12\uff10\uff12\uff14-01-01", "1e9", "nan", "1.7",
        "2024-01-01T00:00:00 CET", "170000000012345678", "Mon, 01 Jan 2024 00:00:00 GMT", "01/02/2024", "2024-W01",
    ],
)  # fmt: skip
def test_what_is_no_date_is_null(text: str) -> None:
    assert read_time(pl.Series("t", [text, "2020-01-01T00:00:00Z"])).to_list() == [None, datetime(2020, 1, 1)]


def url_parts(url: str | None) -> tuple[str | None, ...]:
    table = index_rows(frame([{"url": url}]), 0, 0, HostTable(), None)
    return tuple(table[column].to_pylist()[0] for column in ("scheme", "host", "domain", "suffix"))


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://www.example.co.uk/a?b#c", ("https", "www.example.co.uk", "example.co.uk", "co.uk")),
        ("HTTP://WWW.Example.COM:8080/", ("http", "www.example.com", "example.com", "com")),
        ("http://example.com.", ("http", "example.com", "example.com", "com")),
        ("http://user:pass@example.com/", ("http", "example.com", "example.com", "com")),
        ("http://user:p@ss@example.com/x@y", ("http", "example.com", "example.com", "com")),
        ("http://example.com?q=a@evil.org", ("http", "example.com", "example.com", "com")),
        ("http://b\u00fccher.de/", ("http", "xn--bcher-kva.de", "xn--bcher-kva.de", "de")),
        ("http://XN--BCHER-KVA.de/", ("http", "xn--bcher-kva.de", "xn--bcher-kva.de", "de")),
        ("http://\u4f8b\u3048.jp\u3002/", ("http", "xn--r8jz45g.jp", "xn--r8jz45g.jp", "jp")),
        ("http://192.0.2.1:80/", ("http", "192.0.2.1", "192.0.2.1", None)),
        ("http://[2001:DB8:0:0::1]:80/", ("http", "[2001:db8::1]", "[2001:db8::1]", None)),
        ("http://u:p@[::1]/", ("http", "[::1]", "[::1]", None)),
        ("http://localhost:3000", ("http", "localhost", "localhost", None)),
        ("http://co.uk/", ("http", "co.uk", "co.uk", None)),
        ("http://a_b.example.org/", ("http", "a_b.example.org", "example.org", "org")),
        ("s3://bucket/key", ("s3", "bucket", "bucket", None)),
        ("mailto:a@b.example", ("mailto", None, None, None)),
        ("  https://example.com/ ", ("https", "example.com", "example.com", "com")),
        ("http://", ("http", None, None, None)),
        ("http:///path", ("http", None, None, None)),
        ("http://a..b/", ("http", None, None, None)),
        ("http://-a.com/", ("http", None, None, None)),
        ("http://ex%61mple.com/", ("http", None, None, None)),
        ("http://[::zz]/", ("http", None, None, None)),
        ("http://\u2603.\u2603\u2603\u0000/", ("http", None, None, None)),
        ("http://" + "a" * 64 + ".com/", ("http", None, None, None)),
        ("http://" + "\u00e9." * 100_000 + "com/", ("http", None, None, None)),
        ("no url at all", (None, None, None, None)),
        ("\ufffd\0\n", (None, None, None, None)),
        ("", (None, None, None, None)),
        (None, (None, None, None, None)),
    ],
)
def test_urls(url: str | None, parts: tuple[str | None, ...]) -> None:
    assert url_parts(url) == parts


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.sampled_from(["", "http://", "https://[", "ftp://a@"]))
def test_no_url_is_an_error(tail: str, head: str) -> None:
    scheme, host, domain, suffix = url_parts(head + tail)
    assert (host is None) == (domain is None)
    assert suffix is None or (domain is not None and domain.endswith(suffix))
    assert host is None or (host.isascii() and host == host.lower())
    assert scheme is None or scheme == scheme.lower()
