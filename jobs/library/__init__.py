"""Jobs run by the Data Designer library in this process, and what is reached for beneath its interface."""
