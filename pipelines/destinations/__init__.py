"""Where the raw tables are: what the sync asks of a destination, and how each answers."""
