"""Who vouches for whom: certificate authorities, and what they issue."""
