"""Rules that convert each kind of statement."""
