"""The attributes of a synthetic index, and a recipe of 25 document rules over them.

Names are the Dolma toolkit's (`experiment__tagger__type`), thresholds Gopher's (Rae et al. 2021, table A1) as the
Dolma paper's mixing configurations have them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

SETS = ("bench", "dup")
LEAST_KEYS = 57


@dataclass(frozen=True)
class Key:
    """An attribute: how its value is drawn.

    A `score` passes `limit` in a `share` of the documents: above it where high is bad, else below; `spread` is on a
    logarithmic scale where high is bad. `coverage` is the share of documents that have the key at all.
    """

    name: str
    kind: Literal["score", "words", "chars", "flag", "many"]
    limit: float = 1.0
    share: float = 0.02
    spread: float = 1.0
    is_high_bad: bool = True
    highest: float = 1.0
    is_whole: bool = False
    zeros: float = 0.0  # share of documents that score exactly 0
    coverage: float = 1.0
    least_words: int = 0
    family: int = 0  # keys of a family (1 and above) have nearly the same badness of their own
    is_empty_written: bool = False  # documents without a span have an empty list, not no key
    attribute_set: str = "bench"
    number: int = 0


@dataclass(frozen=True)
class Condition:
    """A document is excluded where the first score of `key` compares so with `limit`."""

    attribute_set: str
    key: str
    operator: Literal["<", ">", ">="]
    limit: float


def keys_of(n_keys: int) -> list[Key]:
    """The first `n_keys` attributes, those that the recipe uses among them. Raises `ValueError` for fewer than 57."""
    if n_keys < LEAST_KEYS:
        raise ValueError(f"{n_keys} keys: the recipe needs {LEAST_KEYS} or more")
    found = [*_gopher(), *_others(), *_duplicates()]
    found += [_extra(number) for number in range(n_keys - len(found))]
    return [replace(key, number=number) for number, key in enumerate(found)]


def _gopher() -> list[Key]:
    stem = "bench__gopher_v2__"
    fractions = {
        "symbol_to_word_ratio": (0.1, 0.012, 0.7),
        "fraction_of_lines_starting_with_bullet_point": (0.9, 0.006, 0.8),
        "fraction_of_lines_ending_with_ellipsis": (0.3, 0.011, 0.75),
        "fraction_of_duplicate_lines": (0.3, 0.03, 0.5),
        "fraction_of_characters_in_duplicate_lines": (0.3, 0.022, 0.5),
    }
    grams = {f"fraction_of_characters_in_most_common_{n}grams": (limit, 0.03) for n, limit in _COMMON.items()}
    grams |= {f"fraction_of_characters_in_duplicate_{n}grams": (limit, 0.04) for n, limit in _REPEATED.items()}
    return [
        Key(f"{stem}character_count", "chars"),
        Key(f"{stem}word_count", "words"),
        Key(f"{stem}median_word_length", "score", 3, 0.01, 0.8, is_high_bad=False, highest=14, is_whole=True),
        Key(f"{stem}fraction_of_words_with_alpha_character", "score", 0.8, 0.05, 0.08, is_high_bad=False),
        Key(f"{stem}required_word_count", "score", 2, 0.05, 1.5, is_high_bad=False, highest=8, is_whole=True),
        *(
            Key(f"{stem}{n}", "score", limit, share, zeros=zeros, family=_family(n))
            for n, (limit, share, zeros) in fractions.items()
        ),
        *(
            Key(f"{stem}{n}", "score", limit, share, 0.6, least_words=10, family=_family(n))
            for n, (limit, share) in grams.items()
        ),
    ]


def _family(name: str) -> int:
    """1 for what is repeated (n-grams, lines), 2 for the most common n-grams, 0 for a key by itself."""
    return 1 if "_duplicate_" in name else 2 if "_common_" in name else 0


_COMMON = {2: 0.2, 3: 0.18, 4: 0.16}
_REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}


def _others() -> list[Key]:
    c4, pii, repeated = (
        "bench__c4_v2__",
        "bench__pii_regex_with_counts_fast_v2__",
        "bench__tokenizer_repetitions_v2r2__",
    )
    return [
        *(
            Key(f"{c4}has_{name}", "flag", coverage=coverage)
            for name, coverage in {
                "naughty_word": 0.03,
                "javascript": 0.04,
                "lorem_ipsum": 0.001,
                "curly_brace": 0.05,
            }.items()
        ),
        Key(f"{c4}line_count", "score", 1000, 0.005, 1.2, highest=1e6, is_whole=True),
        Key(f"{c4}lines_with_no_ending_punctuation", "many", coverage=0.2),
        Key(f"{c4}lines_with_too_few_words", "many", coverage=0.15),
        *(Key(pii + name, "many", coverage=0.05) for name in ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS")),
        Key(f"{pii}doc_count", "score", 5, 0.01, 1.2, highest=1e4, is_whole=True, zeros=0.85),
        Key(f"{pii}doc_frac", "score", 1.1, 0.01, 0.05, highest=2),
        Key("bench__ft_lang_id_en_doc_v2__en", "score", 0.5, 0.12, 0.3, is_high_bad=False),
        Key("bench__ft_lang_id_en_doc_v2__not_en", "score", 0.5, 0.12, 1.5),
        Key("bench__jigsaw_hatespeech_document_v2____label__toxic", "score", 0.4, 0.01, 1.5),
        Key("bench__jigsaw_hatespeech_document_v2____label__non_toxic", "score", 0.6, 0.01, 0.3, is_high_bad=False),
        Key("bench__jigsaw_nsfw_document_v1____label__nsfw", "score", 0.4, 0.015, 1.5),
        Key("bench__jigsaw_nsfw_document_v1____label__non_nsfw", "score", 0.6, 0.015, 0.3, is_high_bad=False),
        Key("bench__char_length_v1__length", "chars"),
        Key("bench__whitespace_tokenizer_v1__length", "words"),
        Key("bench__uniseg_length_v1__length", "words"),
        Key("bench__bytes_length_v1__bytes", "chars"),
        Key("bench__random_number_v1__random", "score", 0.5, 0.5, 0.2, is_high_bad=False),
        Key(f"{repeated}repetition", "many", coverage=0.05),
        *(
            Key(f"{repeated}doc_{name}_repetition", "score", 100, 0.002, 1.5, highest=1e6, is_whole=True, coverage=0.05)
            for name in ("max_score", "max_length")
        ),
        Key(f"{repeated}doc_frac_repetition", "score", 0.3, 0.002, coverage=0.05),
        *(Key(f"bench__{name}__url", "flag", coverage=coverage) for name, coverage in _LISTS.items()),
    ]


_LISTS = {
    "blocklist_hosts_adware_malware_v1": 0.01,
    "blocklist_hosts_fakenews_v1": 0.002,
    "blocklist_hosts_gambling_v1": 0.004,
    "blocklist_hosts_porn_v1": 0.01,
    "blocklist_hosts_social_v1": 0.01,
    "domain_blocklist_phishing_v1": 0.001,
    "oisd_small_abp_v1": 0.02,
}


def _duplicates() -> list[Key]:
    return [
        Key("bff_duplicate_docs", "flag", coverage=0.03, attribute_set="dup"),
        Key("bff_duplicate_url", "flag", coverage=0.02, attribute_set="dup"),
        Key("bff_duplicate_paragraph_spans", "many", coverage=0.05, is_empty_written=True, attribute_set="dup"),
    ]


def _extra(number: int) -> Key:
    """More keys of the kinds above: two scores of a model, then one that few documents have."""
    name = f"bench__model_scores_v1__label_{number:03d}"
    return Key(name, "score", 0.5, 0.05, 0.8, coverage=0.05 if number % 3 == 2 else 1.0)


def recipe_25(least_words: float = 50) -> tuple[Condition, ...]:
    """25 document rules; `least_words` is the threshold to move."""
    gopher = "bench__gopher_v2__"
    rules: list[tuple[str, Literal["<", ">", ">="], float]] = [
        (f"{gopher}word_count", "<", least_words),
        (f"{gopher}word_count", ">", 100_000),
        (f"{gopher}median_word_length", "<", 3),
        (f"{gopher}median_word_length", ">", 10),
        (f"{gopher}symbol_to_word_ratio", ">", 0.1),
        (f"{gopher}fraction_of_words_with_alpha_character", "<", 0.8),
        (f"{gopher}required_word_count", "<", 2),
        (f"{gopher}fraction_of_lines_starting_with_bullet_point", ">", 0.9),
        (f"{gopher}fraction_of_lines_ending_with_ellipsis", ">", 0.3),
        (f"{gopher}fraction_of_duplicate_lines", ">", 0.3),
        (f"{gopher}fraction_of_characters_in_duplicate_lines", ">", 0.3),
        *((f"{gopher}fraction_of_characters_in_most_common_{n}grams", ">", limit) for n, limit in _COMMON.items()),
        *((f"{gopher}fraction_of_characters_in_duplicate_{n}grams", ">", limit) for n, limit in _REPEATED.items()),
        ("bench__pii_regex_with_counts_fast_v2__doc_count", ">", 5),
        ("bench__ft_lang_id_en_doc_v2__en", "<", 0.5),
        ("bench__jigsaw_hatespeech_document_v2____label__toxic", ">", 0.4),
        ("bench__jigsaw_nsfw_document_v1____label__nsfw", ">", 0.4),
    ]
    found = [Condition("bench", key, operator, limit) for key, operator, limit in rules]
    return (*found, Condition("dup", "bff_duplicate_docs", ">=", 1))


def recipe_toml(rules: tuple[Condition, ...]) -> str:
    """The rules in the project's own format; sets are loaded by name."""
    lines = ['name = "gopher-25"', f"attributes = {json.dumps(list(SETS))}"]
    for rule in rules:
        lines += ["", "[[rules]]", f"exclude = {json.dumps(f'{rule.key} {rule.operator} {rule.limit:g}')}"]
    return "\n".join(lines) + "\n"


def mixer_filter(rules: tuple[Condition, ...]) -> dict[str, Any]:
    """The same rules as a stream's filter in a mixer configuration, each guarded as the published ones are.

    Limits are written with a decimal point: to the mixer's jsonpath 1.0 >= 1 is false and 1.0 >= 1.0 is true.
    """
    paths = ((f"@.{rule.key}", rule) for rule in rules)
    return {"exclude": [f"$.attributes[?({p} && {p}[0] && {p}[0][2] {r.operator} {float(r.limit)})]" for p, r in paths]}
