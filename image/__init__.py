"""Makes the container image from the files of this machine, without a registry or an engine."""
