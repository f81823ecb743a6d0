"""Does what was made help to learn the gold? A network that read synthetic trades first, against one that did not."""
