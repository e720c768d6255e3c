"""The template of the EU's public summary of training content: its sections and fields, in its order.

Annex of the Commission's Communication C(2025) 8311 final of 5 December 2025 (Article 53 (1)(d) of Regulation (EU)
2024/1689). Section numbers, titles and labels of fields are the template's; its instructions are not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TEMPLATE = "C(2025) 8311 final"
TEMPLATE_DATE = "2025-12-05"
TITLE = (
    "Public Summary of Training Content for General-Purpose AI models required by Article 53 (1)(d) of Regulation (EU) "
    "2024/1689 (AI Act)"
)
NOT_ADVICE = (
    "Filled in from a corpus and from what its corpus.toml declares. It is not legal advice, and whether it is "
    "complete and right is for the provider to check."
)


@dataclass(frozen=True)
class Field:
    """One field. `answers` of a corpus.toml may fill it by its id; `key` names what else does, for the gaps."""

    id: str
    label: str
    kind: str = "text"  # text | yes_no | size
    is_optional: bool = False
    depends_on: tuple[str, ...] = ()  # yes/no fields, one of which must be Yes for this one to apply
    key: str = ""


@dataclass(frozen=True)
class Section:
    number: str  # empty for the head of the summary
    title: str
    fields: tuple[Field, ...] = ()

    @property
    def level(self) -> int:
        """Of its heading in Markdown: 2 for the three main sections."""
        return 2 + self.number.count(".")


def _used(section: str, label: str, key: str) -> Field:
    return Field(f"eu_{section}_used", label, "yes_no", key=key)


def _modalities(section: str, label: str, depends_on: tuple[str, ...] = ()) -> Field:
    return Field(f"eu_{section}_modalities", label, depends_on=depends_on or (f"eu_{section}_used",))


def _comments(section: str) -> Field:
    return Field(f"eu_{section}_comments", "Additional comments (optional)", is_optional=True)


_COVERED = "If yes, specify the modality(ies) of the content covered by the datasets concerned"
_USER_DATA = ("eu_2_4_prompts", "eu_2_4_services")

SECTIONS = (
    Section(
        "",
        "",
        (
            Field("eu_version", "Version of the Summary"),
            Field("eu_updated", "Last update"),
        ),
    ),
    Section("1", "General information"),
    Section(
        "1.1",
        "Provider identification",
        (
            Field("eu_1_1_provider", "Provider name and contact details", key="provider.name and provider.contact"),
            Field(
                "eu_1_1_representative",
                "Authorised representative name and contact details",
                key="provider.representative ('not applicable' of a provider established in the Union)",
            ),
        ),
    ),
    Section(
        "1.2",
        "Model identification",
        (
            Field("eu_1_2_models", "Versioned model name(s)", key="provider.models"),
            Field(
                "eu_1_2_dependencies",
                "Model dependencies",
                key="provider.model_dependencies ('none' where there is none)",
            ),
            Field(
                "eu_1_2_market_date",
                "Date of placement of the model on the Union market",
                key="provider.market_date",
            ),
        ),
    ),
    Section(
        "1.3",
        "Modalities, overall training data size and other characteristics",
        (
            Field("eu_1_3_text", "Modality: Text", "yes_no"),
            Field("eu_1_3_size", "Text: Training data size", "size"),
            Field("eu_1_3_content", "Text: Types of content", key="document_type of every source"),
            Field(
                "eu_1_3_other_modalities",
                "Image, Audio, Video, Other: Training data size and types of content",
                key="provider.other_modalities ('none' where there is none)",
            ),
            Field(
                "eu_1_3_latest_date",
                "Latest date of data acquisition/collection for model training",
                key="collected_to of every source",
            ),
            Field("eu_1_3_continuous", "Is the model continuously trained on new or dynamic data after this date?"),
            Field(
                "eu_1_3_languages",
                "Description of the linguistic characteristics of the overall training data",
                key="columns.language",
            ),
            Field(
                "eu_1_3_characteristics",
                "Other relevant characteristics of the overall training data",
                is_optional=True,
            ),
            _comments("1_3"),
        ),
    ),
    Section("2", "List of data sources"),
    Section(
        "2.1",
        "Publicly available datasets",
        (
            _used(
                "2_1",
                "Have you used publicly available datasets to train the model?",
                "provider.uses_public_datasets",
            ),
            _modalities("2_1", _COVERED),
            Field("eu_2_1_large", "List of large publicly available datasets", depends_on=("eu_2_1_used",)),
            Field(
                "eu_2_1_others",
                "General description of other publicly available datasets not listed above",
                depends_on=("eu_2_1_used",),
            ),
            _comments("2_1"),
        ),
    ),
    Section("2.2", "Private non-publicly available datasets obtained from third parties"),
    Section(
        "2.2.1",
        "Datasets commercially licensed by rightsholders or their representatives",
        (
            _used(
                "2_2_1",
                "Have you concluded transactional commercial licensing agreement(s) with rightsholder(s) or with their "
                "representatives?",
                "provider.uses_licensed_data",
            ),
            _modalities("2_2_1", _COVERED),
        ),
    ),
    Section(
        "2.2.2",
        "Private datasets obtained from other third parties",
        (
            _used(
                "2_2_2",
                "Have you obtained private datasets from third parties that are not licensed as described in Section "
                "2.2.1, such as data obtained from providers of private databases, or data intermediaries?",
                "provider.uses_third_party_data",
            ),
            _modalities("2_2_2", _COVERED),
            Field(
                "eu_2_2_2_list",
                "If publicly known, list private datasets obtained from other third parties",
                depends_on=("eu_2_2_2_used",),
            ),
            Field(
                "eu_2_2_2_description",
                "General description of non-publicly known private datasets obtained from third parties",
                depends_on=("eu_2_2_2_used",),
            ),
            _comments("2_2_2"),
        ),
    ),
    Section(
        "2.3",
        "Data crawled and scraped from online sources",
        (
            _used("2_3", "Were crawlers used by the provider or on behalf of?", "provider.uses_own_crawl"),
            Field("eu_2_3_crawlers", "If yes, specify crawler name(s)/identifier(s)", depends_on=("eu_2_3_used",)),
            Field("eu_2_3_purposes", "Purposes of the crawler(s)", depends_on=("eu_2_3_used",)),
            Field("eu_2_3_behaviour", "General description of crawler behaviour", depends_on=("eu_2_3_used",)),
            Field("eu_2_3_period", "Period of data collection", depends_on=("eu_2_3_used",)),
            Field(
                "eu_2_3_content",
                "Comprehensive description of the type of content and online sources crawled",
                depends_on=("eu_2_3_used",),
            ),
            _modalities("2_3", "Type of modality covered"),
            Field("eu_2_3_domains", "Summary of the most relevant domain names crawled", depends_on=("eu_2_3_used",)),
            _comments("2_3"),
        ),
    ),
    Section(
        "2.4",
        "User data",
        (
            Field(
                "eu_2_4_prompts",
                "Was data from user interactions with the AI model (e.g. user input and prompts) used to train the "
                "model?",
                "yes_no",
                key="provider.uses_user_data (no answers both)",
            ),
            Field(
                "eu_2_4_services",
                "Was data collected from user interactions with the provider's other services or products used to "
                "train the model?",
                "yes_no",
                key="provider.uses_user_data (no answers both)",
            ),
            Field(
                "eu_2_4_description",
                "If yes, provide a general description of the provider's services or products that were used to "
                "collect the user data",
                depends_on=("eu_2_4_services",),
            ),
            _modalities("2_4", "Type of modality covered", _USER_DATA),
            _comments("2_4"),
        ),
    ),
    Section(
        "2.5",
        "Synthetic data",
        (
            _used(
                "2_5",
                "Was synthetic AI-generated data created by the provider or on their behalf to train the model?",
                "provider.uses_synthetic_data",
            ),
            _modalities("2_5", "If yes, modality of the synthetic data"),
            Field(
                "eu_2_5_models",
                "If yes, specify the general-purpose AI model(s) used to generate the synthetic data if available on "
                "the market",
                depends_on=("eu_2_5_used",),
            ),
            Field(
                "eu_2_5_other_models",
                "Information about other AI models, including provider's own AI model(s) not available on the market, "
                "used to generate synthetic data to train the model to which this Summary applies",
                depends_on=("eu_2_5_used",),
            ),
            _comments("2_5"),
        ),
    ),
    Section(
        "2.6",
        "Other sources of data",
        (
            _used(
                "2_6",
                "Have data sources other than those described in Sections 2.1 to 2.5 been used to train the model?",
                "provider.uses_other_data",
            ),
            Field(
                "eu_2_6_description",
                "If yes, provide a narrative description of these data sources and the data",
                depends_on=("eu_2_6_used",),
            ),
            _comments("2_6"),
        ),
    ),
    Section("3", "Data processing aspects"),
    Section(
        "3.1",
        "Respect of reservation of rights from text and data mining exception or limitation",
        (
            Field(
                "eu_3_1_signatory",
                "Are you a Signatory to the Code of Practice for general-purpose AI models that includes commitments "
                "to respect reservations of rights from the TDM exception or limitation?",
                "yes_no",
                key="provider.code_of_practice",
            ),
            Field(
                "eu_3_1_measures",
                "Describe the measures implemented before model training to respect reservations of rights from the "
                "TDM exception or limitation before and during data collection, including the opt-out protocols and "
                "solutions honoured by the provider or, as applicable, by third parties from which datasets have been "
                "obtained",
                key="provider.opt_out_measures, or opt_out in [purposes]",
            ),
            _comments("3_1"),
        ),
    ),
    Section(
        "3.2",
        "Removal of illegal content",
        (
            Field(
                "eu_3_2_measures",
                "General description of measures taken",
                key="provider.illegal_content_measures, or illegal_content in [purposes]",
            ),
        ),
    ),
    Section(
        "3.3",
        "Other information (optional)",
        (Field("eu_3_3_other", "Other relevant information about data processing (optional)", is_optional=True),),
    ),
)

FIELDS: Mapping[str, Field] = MappingProxyType({field.id: field for section in SECTIONS for field in section.fields})

# The 24 official languages of the Union: name, ISO 639-1, ISO 639-2 and -3 codes.
_EU = (
    "Bulgarian bg bul", "Croatian hr hrv", "Czech cs ces cze", "Danish da dan", "Dutch nl nld dut", "English en eng",
    "Estonian et est ekk", "Finnish fi fin", "French fr fra fre", "German de deu ger", "Greek el ell gre",
    "Hungarian hu hun", "Irish ga gle", "Italian it ita", "Latvian lv lav lvs", "Lithuanian lt lit",
    "Maltese mt mlt", "Polish pl pol", "Portuguese pt por", "Romanian ro ron rum", "Slovak sk slk slo",
    "Slovenian sl slv", "Spanish es spa", "Swedish sv swe",
)  # fmt: skip
EU_LANGUAGES = tuple(entry.split()[0] for entry in _EU)
_LANGUAGE = {label.lower(): entry.split()[0] for entry in _EU for label in entry.split()}


def eu_language(stated: str) -> str | None:
    """The official language of the Union that a label names (`de`, `deu_Latn`, `de-AT`, `German`); None for others."""
    return _LANGUAGE.get(stated.strip().lower().replace("_", "-").partition("-")[0])
