"""This project's column types for Data Designer, and their entry points."""
