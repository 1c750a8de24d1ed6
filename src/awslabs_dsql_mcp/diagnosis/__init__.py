"""Diagnosis of a cluster: from its catalogs, from this server's record, and from CloudWatch."""
