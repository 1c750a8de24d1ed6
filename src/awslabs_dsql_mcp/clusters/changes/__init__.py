"""Clusters changed: created, paired, restored, protected, tagged, backed up and deleted. No MCP in here."""
