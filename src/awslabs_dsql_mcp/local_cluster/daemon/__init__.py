"""The process that owns a data directory."""
