"""What a client asks first, answered before the SDK is loaded."""
