"""What the pages say about sections, and why a result may be empty."""

from __future__ import annotations

from collections.abc import Mapping

SECTION_LEADS: Mapping[str, str] = {
    "sources": "What the corpus is made of: what each source and document type contributes.",
    "domains": "Where text from the web comes from: registered domains, hosts, suffixes; how few of them hold most.",
    "lengths": "How long documents are, in every unit, and which lengths are suspiciously frequent.",
    "time": "When documents were made, and how many say so.",
    "languages": "Which languages the rows or an attribute state.",
    "licences": "Which licences the rows and the sources state.",
    "attributes": "What taggers wrote beside the text: which documents have it, and how the scores are distributed.",
    "duplicates": "What occurs more than once: by URL, text, near-duplicate and paragraph; what the sources share, and "
    "what would be left without it.",
    "filters": "What a recipe of filters would take from this corpus, before it is run: move thresholds, switch rules "
    "off, and everything follows. The address of the page keeps what was changed.",
    "integrity": "What could not be read, what does not fit together, and what looks wrong.",
}

EMPTY: Mapping[str, str] = {
    "domains": "No document has a URL. URLs are read from the fields url or metadata.url, or from an id that is one; "
    "map another field to url in corpus.toml and build again.",
    "time": "No document has a readable date. Dates are read from the field created; map another field to created in "
    "corpus.toml and build again.",
    "languages": "No document states a language. Name the field or the attribute that holds it in corpus.toml "
    "and build again.",
    "licences": "No document states a licence. Name the field that holds it in corpus.toml and build again.",
    "attributes": "The corpus has no attributes. Build again with --tag gopher_v2,c4_v2 to make some (`list --taggers` "
    "names more), or run `corpus-explorer tag`; or put those that you have beside the documents, in attributes/<set>/.",
    "duplicates": "Nothing occurs more than once, or it was not looked for: a build with --duplicates finds copies by "
    "URL, text and paragraph, one with --near near-duplicates too.",
    "integrity": "Nothing to report: no document and no file is concerned.",
    "filters": "The recipe has nothing of this kind, or no document is concerned.",
    "lengths": "No document is concerned.",
}


def section_title(section: str) -> str:
    return section.replace("_", " ").capitalize()


def section_lead(section: str) -> str:
    return SECTION_LEADS.get(section, "")


def why_empty(section: str, arguments: Mapping[str, object]) -> str:
    """Why a statistic has no rows with these arguments, and what to do."""
    if "tokens" in arguments.values():
        return "No tokens were counted. Build again with --tokenizer, or map a column that holds token counts."
    reason = EMPTY.get(section, "The corpus holds nothing that this statistic counts.")
    return f"{reason} Or the values chosen above leave nothing." if arguments else reason
