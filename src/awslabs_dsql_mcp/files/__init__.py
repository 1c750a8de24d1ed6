"""The directories that an operator allows tools to read from and to write to."""
