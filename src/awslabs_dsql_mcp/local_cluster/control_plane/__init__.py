"""The account of a local cluster, and Aurora DSQL's API for it over loopback HTTP.

Imported at the first request, or when a client connects to a cluster by its endpoint's name.
"""
