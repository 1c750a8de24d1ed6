"""Settings: options, environment, clusters file."""
