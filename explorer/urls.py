"""From URLs to hosts, registered domains and suffixes, offline, with a public suffix list whose date is known."""

from __future__ import annotations

import ipaddress
import re
import warnings
from functools import cache
from pathlib import Path

import idna
import polars as pl
import publicsuffixlist
import tldextract

SCHEME_PATTERN = r"^\s*([a-zA-Z][a-zA-Z0-9+.-]*):"
# scheme://[user[:password]@]host, where host may be a bracketed IPv6 address
HOST_PATTERN = r"^\s*[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#\s]*@)?(\[[0-9a-fA-F:.]+\]|[^:/?#@\s\[\]]+)"
_HOST = re.compile(r"[\w.-]+\Z")
_LIST = Path(publicsuffixlist.__file__).parent / "public_suffix_list.dat"


class HostTable:
    """Remembers the parts of each distinct host, because hosts repeat far more often than they are new."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str | None, str | None, str | None]] = {}

    def look_up(self, hosts: pl.Series) -> pl.DataFrame:
        """Columns host, domain and suffix for raw hosts (null where a URL has none).

        `host` is lower-case, in ASCII (punycode) form, without a trailing dot; null where it is no host at all.
        """
        known = self._known
        if len(known) > 1_000_000:  # bounds memory; the table refills from what follows
            known.clear()
        distinct = hosts.drop_nulls().unique().to_list()
        for raw in distinct:
            if raw not in known:
                known[raw] = split_host(raw)
        rows = [(raw, *known[raw]) for raw in distinct]
        schema = {"raw": pl.String, "host": pl.String, "domain": pl.String, "suffix": pl.String}
        table = pl.DataFrame(rows, schema=schema, orient="row")
        return pl.DataFrame({"raw": hosts}).join(table, on="raw", how="left", maintain_order="left").drop("raw")


def split_host(raw: str) -> tuple[str | None, str | None, str | None]:
    """(host, registered domain, public suffix) of a URL's host part; all None where it is not a host.

    The registered domain is the public suffix and one label more, ICANN section. A host that has none (an IP
    address, a bare public suffix, a local name) stands for itself and has no suffix.
    """
    host = raw.lower().rstrip(".")
    if len(host) > 253:  # of characters; before anything costly is tried on a stranger's text
        return None, None, None
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            return None, None, None
        return host, host, None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii").rstrip(".")
        except (idna.IDNAError, UnicodeError):
            return None, None, None
    labels = host.split(".")
    if not _HOST.match(host) or len(host) > 253 or not all(0 < len(x) <= 63 and x[0] != "-" for x in labels):
        return None, None, None
    parts = _extract()(host)
    domain = parts.top_domain_under_public_suffix
    return host, domain or host, (parts.suffix or None) if domain else None


@cache
def _extract() -> tldextract.TLDExtract:
    extract = tldextract.TLDExtract(suffix_list_urls=(_LIST.as_uri(),), cache_dir=None, fallback_to_snapshot=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves closing the list to the garbage collector
        extract("example.com")
    return extract


@cache
def suffix_list_version() -> str:
    """The version line of the public suffix list in use, for provenance."""
    with _LIST.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("// VERSION:"):
                return line.removeprefix("// VERSION:").strip()
    return "unknown"
