"""Questions about stock reports, beside those that suit every dataset."""
