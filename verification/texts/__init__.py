"""Questions that suit every dataset: rows of fields or of text, with gold or without."""
