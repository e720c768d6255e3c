"""The 52 questions of Datasheets for Datasets (Gebru et al., arXiv 1803.09010), in our own words.

Ids are a letter for the section and a number: M1 is the first of Motivation. "Any other comments", which ends each of
the paper's sections, is left out, as it asks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question; `text` is a paraphrase of the paper's."""

    id: str
    text: str


# Section of the paper to its questions, in the paper's order.
_TEXTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Motivation": (
        "M",
        (
            "What was the dataset made for: which task, which gap?",
            "Who made it, and for which organisation?",
            "Who paid for it, and under which grant?",
        ),
    ),
    "Composition": (
        "C",
        (
            "What is one instance, and are there several types?",
            "How many instances are there, in all and of each type?",
            "Is it all there is, or a sample; of what, and is the sample representative?",
            "What does each instance consist of: raw data or features?",
            "Does each instance carry a label or a target?",
            "Does information miss from instances, and why?",
            "Are relations between instances made explicit?",
            "Are splits recommended, and on which grounds?",
            "Which errors, noise and redundancies are there?",
            "Does it stand alone, or lean on outside resources that may change, vanish or be restricted?",
            "Does it hold data that may be confidential?",
            "Does it hold data that may offend, threaten or disturb a reader?",
            "Does it relate to people? (If not, the next three do not apply.)",
            "Does it tell subpopulations apart (age, gender, origin), and how are they distributed?",
            "Can individuals be identified from it, directly or together with other data?",
            "Does it hold sensitive data: health, origin, belief, opinion, finances, location, official numbers?",
        ),
    ),
    "Collection process": (
        "K",
        (
            "How was each instance's data acquired: observed, reported or inferred; was that checked?",
            "With which mechanisms and software was it collected, and how were they checked?",
            "If it is a sample, how was it drawn?",
            "Who collected it, and how were they paid?",
            "Over which time was it collected, and does that match the time when its content was made?",
            "Was there an ethical review, and what came of it?",
            "Was data about people collected? (If not, the next five do not apply.)",
            "Was it obtained from the individuals themselves or from third parties?",
            "Were the individuals told of the collection, and how?",
            "Did they consent to collection and use, and how was consent asked for?",
            "If they consented, how can they revoke it?",
            "Was the impact on the people concerned analysed, and with which outcome?",
        ),
    ),
    "Preprocessing, cleaning, labelling": (
        "P",
        (
            "Was the data preprocessed, cleaned or labelled, and how?",
            "Was the raw data kept, and where is it?",
            "Is the software that did this available?",
        ),
    ),
    "Uses": (
        "U",
        (
            "Has it been used already, and for what?",
            "Where are papers or systems that use it listed?",
            "What else could it be used for?",
            "What in its composition, collection or cleaning bears on future uses, and what can users do about it?",
            "What should it not be used for?",
        ),
    ),
    "Distribution": (
        "D",
        (
            "Is it distributed beyond the organisation that made it?",
            "How is it distributed, and has it a DOI?",
            "When is it distributed?",
            "Under which licence or terms of use, and at which fee?",
            "Have third parties put restrictions on the data of instances?",
            "Do export controls or other regulations apply?",
        ),
    ),
    "Maintenance": (
        "N",
        (
            "Who hosts, supports and maintains it?",
            "How can its owner or curator be reached?",
            "Is there an erratum?",
            "Will it be updated: how often, by whom, and how are users told?",
            "If it relates to people, is there a limit to how long their data is kept, and how is that enforced?",
            "Are older versions kept, and how are users told that one is obsolete?",
            "How can others extend it or contribute to it, and who checks what they add?",
        ),
    ),
}

SECTIONS: Mapping[str, tuple[Question, ...]] = {
    section: tuple(Question(f"{letter}{n}", text) for n, text in enumerate(texts, 1))
    for section, (letter, texts) in _TEXTS.items()
}
QUESTIONS: Mapping[str, Question] = {question.id: question for its in SECTIONS.values() for question in its}

# The section names of Dolma's own datasheet (arXiv 2402.00159, appendix N) and which of the questions belong there.
DOLMA_SECTIONS: Mapping[str, tuple[Question, ...]] = {
    section: tuple(QUESTIONS[id] for id in ids.split())
    for section, ids in {
        "N.1 Motivation for Dataset Creation": "M1 M2 U3 U5 U1 U2 M3",
        "N.2 Dataset Composition": "C1 C7 C2 C4 C5 C14 C10 D5 C8 U4",
        "N.3 Data Collection Process": "K1 K2 K4 K5 C3 K3 C6 C9",
        "N.4 Data Preprocessing": "P1 P2 P3",
        "N.5 Dataset Distribution": "D1 D2 D3 D4 D6",
        "N.6 Dataset Maintenance": "N1 N2 N3 N4 N6 N7",
        "N.7 Legal & Ethical Considerations": "C13 K7 K8 K9 K10 K11 K6 K12 N5 C15 C16 C11 C12",
    }.items()
}

ORDERS: Mapping[str, Mapping[str, tuple[Question, ...]]] = {"datasheets": SECTIONS, "dolma": DOLMA_SECTIONS}
