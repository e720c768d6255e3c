"""What a recipe does to a corpus, before anybody runs it."""
