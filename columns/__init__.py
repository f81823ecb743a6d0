"""What a row is made of: native Data Designer column declarations (YAML) and this project's column types (Python)."""
