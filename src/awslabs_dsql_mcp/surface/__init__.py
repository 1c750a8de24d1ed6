"""What clients see: each family of tools with its texts, hints and schemas, as rows for `server`."""
