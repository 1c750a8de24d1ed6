"""How calls end: told in the log, the audit log, and to the client."""
