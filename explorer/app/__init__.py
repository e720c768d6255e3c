"""The dashboard's parts: the only modules that import Streamlit (and only those that draw)."""
