"""Lists of URLs and domains: what each form of line matches, and the toolkit's own reading of the same lists."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import Texts
from explorer.taggers.url_entries import clean_urls
from explorer.taggers.url_lists import FILE_TAGGERS, Entries, on_list, read_list
from tests.oracles.toolkit import Toolkit


def matches(folder: Path, lines: list[str], urls: list[str | None], whole_hosts: bool = False) -> list[bool]:
    path = folder / "list.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found: list[bool] = on_list(pl.Series(urls, dtype=pl.String), read_list(path, whole_hosts).entries).tolist()
    return found


LINES = [
    # line; URLs that it matches; URLs that it does not
    (
        "plain.com",
        ["http://plain.com", "https://a.b.plain.com/x?y", "PLAIN.COM/x"],
        ["http://xplain.com", "http://com/"],
    ),
    ("Plain.COM # comment", ["http://plain.com:8080/x"], ["http://comment/"]),
    (
        "www.wwf.org",
        ["http://wwf.org/", "http://www.wwf.org/", "http://a.www.wwf.org"],
        ["http://a.wwf.org", "http://f.org"],
    ),
    ("*.star.com", ["http://star.com", "http://x.star.com"], ["http://bstar.com"]),
    (".dot.com", ["http://dot.com", "http://x.dot.com"], []),
    ("||adb.net^", ["http://adb.net/", "http://x.adb.net"], ["http://badb.net"]),
    ("||adb.net^$important,document", ["http://adb.net/"], []),
    ("0.0.0.0 one.com two.com", ["http://one.com", "http://x.two.com/"], ["http://0.0.0.0/"]),
    ("::1\tsix.com", ["http://six.com"], ["http://[::1]/"]),
    ("93.184.216.34 real.org", ["http://real.org", "http://93.184.216.34/x"], ["http://1.93.184.216.34/"]),
    ("2001:DB8::1 six.org", ["http://six.org", "http://[2001:db8:0::1]:80/"], ["http://[2001:db8::2]/"]),
    ("10.1.2.3", ["http://10.1.2.3/"], ["http://110.1.2.3/", "http://2.3/"]),
    ("münchen.de", ["http://MÜNCHEN.de/a", "http://xn--mnchen-3ya.de"], ["http://muenchen.de"]),
    (
        "http://page.com/",
        ["http://page.com", "https://user:pw@page.com/?q#f"],
        ["http://page.com/a", "http://x.page.com"],
    ),
    ("page.com/A?b=1", ["http://page.com/a", "http://page.com/a//", "http://page.com/a?c"], ["http://page.com/a/b"]),
    ("page.com:81", ["http://page.com:81/"], ["http://page.com/"]),
    ("https://page.com/é b".replace(" ", "%20"), ["http://page.com/É%20B", "http://page.com/%C3%A9 b"], []),
    ("page.com/a/../b/./c", ["http://page.com/b/c"], ["http://page.com/a/b/c"]),
    ("page.com/100%", ["http://page.com/100%25"], ["http://page.com/100"]),
]
UNUSED = [
    ("||third.net^$third-party", "no form that is read"),
    ("@@||good.net^", "no form that is read"),
    ("||net/path^", "no form that is read"),
    ("|http://x.com/", "no form that is read"),
    ("/regex/", "no form that is read"),
    ("two words.com", "no form that is read"),
    ("com", "no name of a host"),
    ("nodots", "no name of a host"),
    ("-.com", "no name of a host"),
    ("a..com", "no name of a host"),
    ("0.0.0.0 name/path", "no name of a host"),
    ("co.uk", "all of a public suffix"),
    ("0.0.0.0 co.uk", "all of a public suffix"),
    ("\0", "no name of a host"),
]
SKIPPED = ["", "  ", "# x.com", "; x.com", "! x.com", "[Adblock Plus 2.0]", "127.0.0.1 localhost", "0.0.0.0 0.0.0.0"]
NO_URLS: list[str | None] = [None, "", " ", "x", "mailto:a@plain.com", "javascript:alert(1)", "http://", "///", "a b"]


@pytest.mark.parametrize(("line", "on", "off"), LINES)
def test_what_a_line_matches(line: str, on: list[str], off: list[str], tmp_path: Path) -> None:
    assert matches(tmp_path, [*SKIPPED, line, "other.net"], [*on, *off]) == [True] * len(on) + [False] * len(off)
    assert not any(matches(tmp_path, ["other.net"], [*on, *off]))


def test_all_lines_together_match_what_each_does(tmp_path: Path) -> None:
    urls = [url for _, on, off in LINES for url in (*on, *off)] + NO_URLS
    each = np.any([matches(tmp_path, [line], urls) for line, _, _ in LINES], axis=0)
    together = matches(tmp_path, [line for line, _, _ in LINES] + [line for line, _ in UNUSED], urls)
    assert together == each.tolist()
    assert not any(together[-len(NO_URLS) :])


def test_a_list_of_domains_takes_the_host_of_a_page(tmp_path: Path) -> None:
    lines = ["http://page.com/a/b", "www.two.com/x", "http://co.uk/x"]
    urls: list[str | None] = ["http://page.com/", "http://x.page.com/", "http://two.com", "http://x.co.uk"]
    assert matches(tmp_path, lines, urls, whole_hosts=True) == [True, True, True, False]
    assert matches(tmp_path, lines, urls) == [False, False, False, False]


@pytest.mark.parametrize(("line", "why"), UNUSED)
def test_a_line_that_is_not_used_is_counted_and_named(line: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join([*SKIPPED, "good.org", line, line]), encoding="utf-8")
    found = read_list(path, whole_hosts=False)
    assert (len(found.entries), found.n_lines, found.n_unused) == (1, len(SKIPPED) + 3, 2)
    assert found.first_unused.startswith(f"line {len(SKIPPED) + 2}, ")
    assert found.first_unused.endswith(f": {why}")
    assert "\0" not in found.first_unused


def test_lists_in_many_pieces_and_compressed(tmp_path: Path) -> None:
    lines = [f"site{i}.com" for i in range(200_000)] + ["not a name", "last.org"]
    path = tmp_path / "list.gz"
    path.write_bytes(gzip.compress("\r\n".join(lines).encode("utf-8-sig")))
    found = read_list(path, whole_hosts=False)
    assert (len(found.entries), found.n_lines, found.n_unused) == (200_001, 200_002, 1)
    assert found.first_unused.startswith("line 200001, not a name: ")
    urls = pl.Series(["http://site0.com", "http://site131072.com", "http://site199999.com", "http://site200000.com"])
    assert on_list(urls, found.entries).tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, "No such file"),
        ("empty.txt", b"", "none of 0 lines names a page or a domain"),
        ("comments.txt", b"# a\n! b\n", "none of 2 lines"),
        ("words.txt", b"two words\n", r"\(line 1, two words: no form that is read\)"),
        ("cut.gz", gzip.compress(b"a.com\n" * 1000, mtime=0)[:-9], "cannot be read to its end"),
    ],
)
def test_a_list_of_no_use_is_an_error_that_names_it(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: .*{message}"):
        load_taggers([f"url_blocklist:x={path}"])


def test_the_tagger_marks_documents(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("bad.com\nbad words\n", encoding="utf-8")
    other = tmp_path / "other.txt"
    other.write_text("bad.org\n", encoding="utf-8")
    specs = [f"{tagger.kind}:mine{i}={path}" for i, tagger in enumerate(FILE_TAGGERS)]
    taggers = load_taggers(specs)
    frame = pl.DataFrame({"text": ["one", "", "two"], "url": ["http://x.bad.com/", "http://bad.com", None]})
    rows = list(tag_texts(Texts(frame), taggers, "set").rows())
    assert [row.get("set__mine0__url") for row in rows] == [[(0, 3, 1.0)], [(0, 0, 1.0)], None]
    assert all(len(row) in (0, len(FILE_TAGGERS)) for row in rows)
    assert "1 lines are not used, the first is line 2, bad words: " in taggers[0].doc
    assert len({taggers[0].key, load_taggers([f"url_blocklist:mine={other}"])[0].key, taggers[2].key}) == 3
    no_urls = pl.DataFrame({"text": ["one"], "url": pl.Series([None])})
    assert list(tag_texts(Texts(no_urls), taggers, "set").rows()) == [{}]


def test_entries_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = pl.Series([f"d:{i}" for i in range(100)])
    import explorer.taggers.url_lists as module

    real = module._hash
    monkeypatch.setattr(module, "_hash", lambda texts: real(texts) % np.uint64(7))
    found = Entries(entries)
    assert found.hold(entries).all()
    assert not found.hold(pl.Series([f"d:{i}" for i in range(100, 200)])).any()


labels = st.sampled_from(["a", "b", "www", "wwf", "web", "shop-1", "x_y"])
hosts = st.builds(
    lambda parts, end: ".".join([*parts, end]), st.lists(labels, min_size=1, max_size=3), st.sampled_from(["com", "de"])
)
paths = st.lists(st.sampled_from(["a", "B", ".", "..", "%41", "x y", "é", "~", "'", ""]), max_size=3).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
pages = st.builds(
    lambda scheme, host, port, path, rest: f"{scheme}{host}{port}{path}{rest}",
    st.sampled_from(["http://", "https://", "HTTPS://u:p@"]),
    hosts,
    st.sampled_from(["", ":81"]),
    paths,
    st.sampled_from(["", "?q=1", "#f", "/?"]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pages, max_size=6), st.lists(pages, max_size=6))
def test_lists_of_pages_are_the_toolkits(toolkit: Toolkit, tmp_path: Path, lines: list[str], urls: list[str]) -> None:
    lines = ["http://first.com/", *(line.replace(" ", "%20") for line in lines)]  # no line holds white space
    urls = [*urls, *lines]
    found = matches(tmp_path, lines, list(urls))
    lines = [line.lower().replace("u:p@", "") for line in lines]  # its pattern for lines knows no users
    (tmp_path / "theirs.txt").write_text("\n".join(lines), encoding="utf-8")
    expected = toolkit.ask(module="url", base="BaseUrlTagger", lists=[str(tmp_path / "theirs.txt")], urls=urls)
    assert found == expected["found"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(hosts, min_size=1, max_size=6), st.lists(pages, min_size=1, max_size=12))
def test_lists_of_domains_are_the_toolkits_but_for_its_faults(
    toolkit: Toolkit, tmp_path: Path, lines: list[str], urls: list[str]
) -> None:
    found = matches(tmp_path, lines, list(urls), whole_hosts=True)
    expected = toolkit.ask(module="url", base="BaseDomainTagger", lists=[str(tmp_path / "list.txt")], urls=urls)[
        "found"
    ]
    for url, own, theirs in zip(urls, found, expected, strict=True):
        host = clean_urls(pl.Series([url]))["host"][0]
        bare = [line.removeprefix("www.") if line.count(".") > 1 else line for line in lines]
        same = host in bare or host in lines
        below = any(host.endswith(f".{line}") for line in lines)
        assert own == (same or below)
        letter_by_letter = host.lstrip("w.") in [line.lstrip("w.") for line in lines]
        assert theirs == letter_by_letter


def test_a_list_of_real_hosts_finds_the_documents_that_the_toolkit_finds(
    toolkit: Toolkit, mini_dolma: Path, tmp_path: Path
) -> None:
    urls = []
    for path in sorted(mini_dolma.glob("documents/**/*.json.gz")):
        with gzip.open(path) as lines:
            urls += [url for line in lines if (url := (orjson.loads(line).get("metadata") or {}).get("url"))]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(urls[::3]), encoding="utf-8")
    own = on_list(pl.Series(urls), read_list(listed, whole_hosts=False).entries).tolist()
    theirs = toolkit.ask(module="url", base="BaseUrlTagger", lists=[str(listed)], urls=urls)["found"]
    assert sum(own) > 1000
    differ = [(url, a) for url, a, b in zip(urls, own, theirs, strict=True) if a != b]
    # the toolkit strips white space and makes small letters of lines before escaping, of documents' URLs after it
    assert differ
    assert all(a and (url != url.strip() or not url.isascii()) for url, a in differ)
