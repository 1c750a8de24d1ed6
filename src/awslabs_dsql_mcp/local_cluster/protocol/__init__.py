"""PostgreSQL wire protocol messages."""
