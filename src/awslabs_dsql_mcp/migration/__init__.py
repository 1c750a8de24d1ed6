"""PostgreSQL scripts converted and applied step by step."""
