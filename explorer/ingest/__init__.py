"""From files of any known kind to one relation: a row per document, attributes apart."""
