"""The work of the tools that change much, imported at the first call: it takes a tenth of the start."""
