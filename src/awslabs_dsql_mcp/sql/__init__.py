"""SQL text to values: the only package that parses."""
