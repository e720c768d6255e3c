"""The dashboard: `streamlit run app.py -- WORKSPACE`, or `corpus-explorer app WORKSPACE`."""

import streamlit as st

from explorer.app.navigation import ICON, pages

st.set_page_config(page_title="Corpus explorer", page_icon=str(ICON), layout="wide")
st.navigation(pages()).run()
