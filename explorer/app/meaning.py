"""What attributes mean, beside the places that name them: definition, unit, and where the definition comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.app import session
from explorer.app.filters_ranges import attribute_keys, ends_like
from explorer.app.text import safe
from explorer.errors import ExplorerError
from explorer.escape import code_span
from explorer.recipe.expression import Node
from explorer.statistic import load_statistics

_MAX_SHORT = 150  # characters of a definition beside a slider; the rest is in its tip
_MAX_NAMES = 12  # of the types that share a definition


@dataclass(frozen=True)
class Meaning:
    """What the scores of a key say."""

    key: str
    tagger: str
    name: str  # of the type
    unit: str
    definition: str
    source: str


Meanings = Mapping[str, Meaning]  # by key


def read_meanings(frame: pl.DataFrame) -> Meanings:
    """The definitions in the statistic `attribute_list`, in order of the keys."""
    return {
        row["key"]: Meaning(
            row["key"], row["tagger"], row["span_type"], row["unit"], row["definition"], row["definition_source"]
        )
        for row in frame.sort("key").iter_rows(named=True)
        if row.get("definition") is not None
    }


def meanings() -> Meanings:
    """What this corpus' attributes mean, as far as the catalogue says it."""
    statistic = load_statistics().get("attribute_list")
    if statistic is None:
        return {}
    try:
        return read_meanings(session.run(statistic, statistic.arguments({})))
    except ExplorerError:
        return {}  # the card of the statistic says why


def named_in(nodes: Iterable[Node], known: Meanings) -> list[Meaning]:
    """The meanings of the keys in some conditions, each once; a starred key stands for the first that ends so."""
    found: dict[str, Meaning] = {}
    for key in (key for node in nodes for key in attribute_keys(node)):
        name = key if key in known else next((k for k in known if key.startswith("*") and ends_like(key, k)), None)
        if name is not None:
            found[name] = known[name]
    return list(found.values())


def captions(found: Sequence[Meaning], place: DeltaGenerator | None = None, *, is_short: bool = False) -> None:
    """A line for each meaning, with all of it in the tip."""
    for one in found:
        text = one.definition
        if is_short and len(text) > _MAX_SHORT:
            text = f"{text[:_MAX_SHORT].rsplit(' ', 1)[0]} …"
        # a type may be called after what comes with the data, so its name is no word of ours
        line = f"{code_span(one.name)} ({safe(one.unit)}): {safe(text)}"
        (place or st).caption(line, help=_all_of(one))


def _all_of(one: Meaning) -> str:
    return (
        f"{code_span(one.key)}\n\nUnit: {safe(one.unit)}\n\n{safe(one.definition)}\n\n"
        f"Tagger {code_span(one.tagger)}, by {safe(one.source)}"
    )


def definitions_by_tagger(known: Meanings) -> None:
    """Every definition once, under its tagger and its source."""
    taggers: dict[tuple[str, str], dict[str, Meaning]] = {}
    for one in known.values():
        types = taggers.setdefault((one.tagger, one.source), {})
        # names that come with the data share a definition
        same = next((name for name, other in types.items() if other.definition == one.definition), None)
        types.setdefault(same or one.name, one)
    with st.container(border=True, gap="small", key="definitions"):
        st.markdown("**What the taggers measure**")
        for (tagger, source), types in taggers.items():
            n_keys = sum(one.tagger == tagger for one in known.values())
            with st.expander(f"**{safe(tagger)}** · {n_keys:,} {'key' if n_keys == 1 else 'keys'}", type="compact"):
                st.caption(f"By {safe(source)}")
                st.markdown(
                    "\n".join(
                        f"- {_names(one, known)} ({safe(one.unit)}): {safe(one.definition)}" for one in types.values()
                    )
                )


def _names(one: Meaning, known: Meanings) -> str:
    """The types that a definition is of."""
    names = [k.name for k in known.values() if (k.tagger, k.definition) == (one.tagger, one.definition)]
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(code_span(name) for name in names[:_MAX_NAMES]) + more
