"""What may be sent to a terminal: text of files, of models and of providers is shown, never obeyed."""

from files.secret_text import mask_secrets

KEPT = "\n\t"


def clean_text(text: str) -> str:
    """Write control characters as escapes (a terminal obeys some of them), and mask secrets."""
    return "".join(c if c.isprintable() or c in KEPT else ascii(c)[1:-1] for c in mask_secrets(text))
