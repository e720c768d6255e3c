"""URLs as lists of URLs compare them, and the lines of such lists: hosts files, domains, pages, adblock rules.

An entry is text: `p:` and a page, `d:` and a domain for it and all hosts below it, or `h:` and one host.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

import idna
import polars as pl
import publicsuffixlist

from explorer.urls import split_host

SUFFIX_LIST = Path(publicsuffixlist.__file__).with_name("public_suffix_list.dat")

MAX_HOST = 253  # characters

_URL = (
    r"(?s)^(?:(?P<scheme>[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^/?#:@\s\[\]\\]+)(?::(?P<port>[0-9]{0,5}))?(?P<path>/[^?#]*)?(?P<rest>[?#].*)?$"
)
_ODD_PATH = r"[^a-z0-9._~!$&'()*+,;=:@/%-]|%(?:[^0-9a-f]|[0-9a-f][^0-9a-f]|[0-9a-f]?$)|/\.\.?(?:/|$)"
_KEPT = "!$&'()*+,;=:@/-._~"  # in a path, as they stand (RFC 3986)
_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_PLAIN_HOST = r"^[a-z0-9_.-]+$"

_CONDITION = "(?:important|all|document|doc|popup)"  # of rules that hold for a page by itself
_ADBLOCK = rf"^\|\|([^/^$*|?:]+)\^(?:\${_CONDITION}(?:,{_CONDITION})*)?$"
_HOSTS_LINE = r"^([0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]*)(?:%[a-z0-9]+)?\s+(\S.*)$"
_COMMENT = r"^(?:[#;!]|\[adblock|\[adguard)|^$"
_NAME = r"^(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z0-9_-]{1,63}$|^\[[0-9a-f:.]+\]$"
_LOCAL = (  # what hosts files begin with
    r"^(?:localhost|localhost\.localdomain|localdomain|local|broadcasthost|ip6-[a-z]+|"
    r"0\.0\.0\.0|127\.[0-9.]+|255\.255\.255\.255|\[(?:::1?|fe[89ab][0-9a-f]:.*|ff[0-9a-f]{2}:.*)\])$"
)


def clean_urls(urls: pl.Series) -> pl.DataFrame:
    """Columns of each URL: `host`, `page` (host, port and path), both null where it has no host; and `scheme`, `port`,
    `path`, `rest` (from ? or # on), null where they are not there.

    Lower case throughout; hosts in ASCII without a trailing dot; pages without user, query, fragment and slashes at
    the end, with characters that a URL may not hold as %xx and without `.` and `..` in the path. A missing scheme is
    no fault.
    """
    parts = urls.str.strip_chars().str.to_lowercase().str.extract_groups(_URL).struct.unnest()
    hosts = parts["host"].str.strip_suffix(".")
    odd = parts.filter(hosts.str.contains(_PLAIN_HOST).not_())["host"].unique().to_list()
    hosts = hosts.replace_strict(odd, [split_host(host)[0] for host in odd], default=hosts, return_dtype=pl.String)
    hosts = hosts.set(hosts.str.len_chars() > MAX_HOST, None)
    paths = parts["path"].fill_null("")
    odd = paths.filter(paths.str.contains(_ODD_PATH)).unique().to_list()
    paths = paths.replace_strict(odd, [_regular(path) for path in odd], default=paths, return_dtype=pl.String)
    return parts.select(
        hosts.alias("host"),
        "scheme",
        pl.col("port").replace("", None),
        paths.alias("path"),
        "rest",
    ).with_columns(
        page=pl.concat_str("host", (":" + pl.col("port")).fill_null(""), "path").str.strip_chars_end("/"),
    )


def _regular(path: str) -> str:
    """A path (in lower case) as a browser would ask for it."""
    escaped = quote(path, safe=_KEPT if _PERCENT.search(path) else f"{_KEPT}%").lower()
    kept: list[str] = []
    for segment in escaped.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def read_lines(lines: pl.Series, whole_hosts: bool) -> tuple[pl.Series, pl.DataFrame]:
    """The entries of some lines of a list (distinct), and the lines that cannot be used (columns `row`, from 0, and
    `why`, one each, in order). With `whole_hosts`, a URL stands for its host and all below.
    """
    frame = pl.DataFrame({"line": lines}).with_row_index("row")
    frame = frame.with_columns(pl.col("line").str.strip_chars("\ufeff").str.strip_chars().str.to_lowercase())
    frame = frame.filter(pl.col("line").str.contains(_COMMENT).not_())
    frame = frame.with_columns(pl.col("line").str.replace(r"\s+#.*$", "")).with_columns(
        rule=pl.col("line").str.extract(_ADBLOCK, 1),
        address=pl.col("line").str.extract(_HOSTS_LINE, 1),
        names=pl.col("line").str.extract(_HOSTS_LINE, 2),
    )
    address = pl.col("address")
    is_rule, is_hosts = pl.col("rule").is_not_null(), address.is_not_null()
    is_plain = ~(is_rule | is_hosts | pl.col("line").str.contains(r"\s|^[|@/]"))
    row, yes = pl.col("row"), pl.lit(True)
    found = pl.concat(
        [
            frame.filter(is_rule).select(row, text="rule", is_name=yes),
            frame.filter(is_hosts)
            .select(row, text=pl.col("names").str.extract_all(r"\S+"), is_name=yes)
            .explode("text"),
            frame.filter(is_hosts).select(
                row, text=pl.when(address.str.contains(":")).then("[" + address + "]").otherwise(address), is_name=yes
            ),
            frame.filter(is_plain).select(
                row, text=pl.col("line").str.replace(r"^(?:\*\.|\.)", ""), is_name=pl.lit(False)
            ),
        ]
    )
    found = pl.concat([found, clean_urls(found["text"])], how="horizontal")
    found = found.filter(pl.col("host").str.contains(_LOCAL).not_().fill_null(True))
    has_more = pl.col("port").is_not_null() | ~pl.col("path").is_in(["", "/"]) | pl.col("rest").is_not_null()
    is_page = pl.col("scheme").is_not_null() | has_more
    is_suffix = pl.col("host").is_in(_public_suffixes().implode())
    why = (
        pl.when(pl.col("host").str.contains(_NAME).not_().fill_null(True))
        .then(pl.lit("no name of a host"))
        .when(pl.col("is_name") & is_page)
        .then(pl.lit("no name of a host"))
        .when(is_suffix & (~is_page | pl.lit(whole_hosts)))
        .then(pl.lit("all of a public suffix"))
    )
    found = found.with_columns(is_page=is_page & ~pl.lit(whole_hosts), why=why)
    bad = pl.concat(
        [
            frame.filter(~(is_rule | is_hosts | is_plain)).select(row, why=pl.lit("no form that is read")),
            found.filter(pl.col("why").is_not_null()).select("row", "why"),
        ]
    )
    good = found.filter(pl.col("why").is_null())
    bare = pl.col("host").str.strip_prefix("www.")
    is_www = (
        pl.col("host").str.starts_with("www.") & bare.str.contains(r"\.") & ~bare.is_in(_public_suffixes().implode())
    )
    entries = pl.concat(
        [
            good.filter("is_page").select(entry="p:" + pl.col("page")),
            good.filter(~pl.col("is_page")).select(entry="d:" + pl.col("host")),
            good.filter(~pl.col("is_page") & is_www).select(entry="h:" + bare),
        ]
    )["entry"]
    return entries.unique(), bad.unique("row", keep="first").sort("row")


@cache
def _public_suffixes() -> pl.Series:
    """The public suffixes under which registries register (ICANN's section), but for wildcards."""
    text = SUFFIX_LIST.read_text(encoding="utf-8").partition("===END ICANN DOMAINS===")[0]
    rules = [line for line in text.splitlines() if line and not line.startswith(("//", "*", "!"))]
    return pl.Series([rule if rule.isascii() else idna.encode(rule).decode("ascii") for rule in rules])
