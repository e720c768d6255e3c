"""What attributes mean: definitions of taggers, found by the names of keys (`experiment__tagger__type`).

The toolkit's taggers have the same names here, so that what they wrote is explained too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from explorer.attributes import Attribute
from explorer.details import Definition
from explorer.taggers.model import TagType, plain_name
from explorer.taggers.registry import builtin_taggers, file_taggers, other_taggers

ANY = "*"  # the name of a type that stands for names out of data or a model
_SHAPES = ("spans", "number")  # what taggers write


@dataclass(frozen=True)
class Definitions:
    """Those that were found, by attribute; and why others could not be looked for (empty: nothing failed)."""

    found: Mapping[Attribute, Definition]
    fault: str = ""


_Types = Mapping[str, Definition]  # by type, as keys have it


def define(attributes: Iterable[Attribute], made: str = "", specs: Sequence[str] = ()) -> Definitions:
    """The definitions of attributes, as far as any tagger is known that writes them.

    `made` is the set that this build makes, with the taggers `specs`: among them are those that a file of the user's
    defines (`kind:NAME=FILE`), whose names nobody else knows. Packages of others are imported only for names that no
    tagger of ours has, and one that fails leaves its attributes without a definition.
    """
    wanted = sorted(
        (one for one in set(attributes) if _is_tagged(one)), key=lambda one: (one.attribute_set, one.path, one.shape)
    )
    known = dict(_shipped())
    own = _from_files(specs)
    fault = ""
    if {one.tagger for one in wanted if one.attribute_set != made or one.tagger not in own} - known.keys():
        others, fault = _others()
        known = {**others, **known}
    found = {}
    for one in wanted:
        types = own.get(one.tagger) if one.attribute_set == made else None
        types = types or known.get(one.tagger, {})
        definition = types.get(one.span_type) or types.get(ANY)
        if definition is not None:
            found[one] = definition
    return Definitions(found, fault)


def is_shipped(name: str) -> bool:
    """Whether this package has a tagger of a name."""
    return name in _shipped()


def declared_keys(attribute_set: str, specs: Sequence[str]) -> list[str]:
    """The keys that taggers may write, in order; names that come with the data or a model are not among them.

    The tagger of another package is loaded for it; the file of `kind:NAME=FILE` is not opened.
    """
    known = {**_from_files(specs), **_shipped()}
    names = [plain_name(spec.partition(":")[2].partition("=")[0] if ":" in spec else spec) for spec in specs]
    if not known.keys() >= set(names):
        known = {**_others()[0], **known}
    return [f"{plain_name(attribute_set)}__{name}__{t}" for name in names for t in known.get(name, ()) if t != ANY]


def _is_tagged(attribute: Attribute) -> bool:
    """Whether a tagger may have written it: values of one level, under a name in three parts."""
    return attribute.shape in _SHAPES and len(attribute.path) == 1 and attribute.path[0].count("__") > 1


@cache
def _shipped() -> Mapping[str, _Types]:
    """The types of the taggers in this package, by the names that keys have. Loads no model."""
    return {plain_name(name): _types(one.types, one.source) for name, one in builtin_taggers().items()}


def _others() -> tuple[Mapping[str, _Types], str]:
    """The same of other packages, and what is wrong with them; nobody asked for one by name, so it is no error."""
    others = other_taggers()
    found = {plain_name(name): _types(one.types, one.source) for name, one in others.taggers.items()}
    return found, "; ".join(others.faults)


def _from_files(specs: Sequence[str]) -> Mapping[str, _Types]:
    """Of the taggers `kind:NAME=FILE`, by NAME. The files are not opened."""
    found = {}
    for spec in specs:
        kind, _, rest = spec.partition(":")
        one = file_taggers().get(kind)
        if one is not None:
            found[plain_name(rest.partition("=")[0])] = _types(one.types, one.source)
    return found


def _types(types: Iterable[TagType], source: str) -> _Types:
    return {
        one.name if one.name == ANY else plain_name(one.name): Definition(one.unit, one.doc, source) for one in types
    }
