"""Transactions on one cluster, and the connections under them."""
