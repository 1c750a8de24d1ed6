"""First answers to a client, given before the SDK is loaded."""
