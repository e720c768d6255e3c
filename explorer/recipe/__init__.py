"""Recipes: the rules that decide which documents are kept. Dolma mixer configs and our own TOML, read and written."""
