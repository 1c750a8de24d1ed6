"""The cluster endpoint: TLS, login, limits."""
