"""A cluster on this machine: an embedded PostgreSQL behind TLS, SNI and IAM tokens."""
