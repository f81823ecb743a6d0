"""Stock reports whose every number is a fact: what is known, what is written, what is refused."""
