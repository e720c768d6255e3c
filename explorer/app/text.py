"""Text from data in Streamlit's Markdown, which knows more than Markdown: colours, badges, icons and emoji codes."""

from __future__ import annotations

import re

from explorer.escape import markdown

_BLOCK = re.compile(r"\A([#+=-]|\d+(?=[.)]))")


def safe(text: str) -> str:
    """Text as it stands in `st.markdown` and in labels, at the start of a line too: no markup, directive or link."""
    shown = markdown(text.strip()).replace(":", "&#58;")
    return _BLOCK.sub(lambda match: f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}", shown)
