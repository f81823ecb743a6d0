"""What is checked of a file: its shape, its meaning, its templates, and the flow of columns."""
