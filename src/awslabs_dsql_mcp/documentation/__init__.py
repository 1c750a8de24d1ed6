"""The documentation service client and the offline guide."""
