"""IR to Envoy's resources, as bytes. What is sent to whom, and when, is up to `fairlead.ads`."""
