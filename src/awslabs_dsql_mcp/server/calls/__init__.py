"""Ends of calls, told in the log, in the audit log, and to the client."""
