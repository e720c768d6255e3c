"""What people say of a corpus, beside what is measured: the tables of `corpus.toml` that only cards and summaries read.

    [card]            who made it, why, for what: see `Card`
    [sources.<name>]  where a source comes from: see `Origin`
    [answers]         answers to questions of Datasheets for Datasets by their id (M1, C3 ...)
    [provider]        who trains a model on it, for the EU's public summary: see `Provider`
    [purposes]        name of a rule of a recipe = what it is for: quality, duplicates, personal_data, illegal_content,
                      opt_out

Nothing here is ever inferred: what is not declared is an empty text, and every card says that it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ORIGIN_CLASSES = (
    "public_dataset",
    "licensed",
    "private_third_party",
    "own_crawl",
    "user_data",
    "synthetic",
    "other",
)
PURPOSES = ("quality", "duplicates", "personal_data", "illegal_content", "opt_out")
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Card:
    """The human part of a card. Texts may have several lines."""

    pretty_name: str = ""
    date: str = ""  # of publication, YYYY-MM-DD
    creators: str = ""
    funders: str = ""
    contact: str = ""
    takedown: str = ""  # where to ask for removal
    purpose: str = ""
    intended_uses: str = ""
    forbidden_uses: str = ""
    limitations: str = ""
    biases: str = ""
    personal_data: str = ""  # what was done about it
    maintenance: str = ""
    citation: str = ""  # BibTeX
    licence_link: str = ""


@dataclass(frozen=True)
class Origin:
    """Where one source comes from; an addition to `explorer.config.SourceNote`."""

    origin_class: str = ""  # of ORIGIN_CLASSES
    url: str = ""
    version: str = ""
    provider: str = ""  # of licensed or third-party data
    collected_from: str = ""  # YYYY-MM or YYYY-MM-DD
    collected_to: str = ""
    selection: str = ""
    crawler: str = ""
    crawl_behaviour: str = ""
    generator: str = ""  # the model, of synthetic data


@dataclass(frozen=True)
class Provider:
    """The provider's part of the EU public summary of training content; yes/no fields are `yes`, `no` or empty."""

    name: str = ""
    contact: str = ""
    representative: str = ""
    models: str = ""
    model_dependencies: str = ""
    market_date: str = ""
    is_sme: str = ""
    code_of_practice: str = ""
    opt_out_measures: str = ""
    copyright_policy: str = ""
    illegal_content_measures: str = ""
    other_modalities: str = ""
    uses_public_datasets: str = ""
    uses_licensed_data: str = ""
    uses_third_party_data: str = ""
    uses_own_crawl: str = ""
    uses_user_data: str = ""
    uses_synthetic_data: str = ""
    uses_other_data: str = ""
    other_information: str = ""


@dataclass(frozen=True)
class Declared:
    """The checked human part of a `corpus.toml`."""

    card: Card = field(default_factory=Card)
    origins: Mapping[str, Origin] = field(default_factory=dict)  # by source
    answers: Mapping[str, str] = field(default_factory=dict)  # by id of a question
    provider: Provider = field(default_factory=Provider)
    purposes: Mapping[str, str] = field(default_factory=dict)  # by name of a rule
