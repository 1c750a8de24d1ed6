"""AWS credentials and login tokens."""
