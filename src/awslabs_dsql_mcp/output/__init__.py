"""Tool results: text and structured content."""
