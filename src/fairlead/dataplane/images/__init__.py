"""Images that run without being pulled: small programs of our own with the same flags."""
