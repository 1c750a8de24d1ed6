"""Query plans: parsing, findings, index advice."""
