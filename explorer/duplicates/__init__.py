"""What documents share: keys of URLs, texts and paragraphs, MinHash signatures, and what is computed from them."""
