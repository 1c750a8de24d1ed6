"""Checks of what a plan has left on the cluster."""
