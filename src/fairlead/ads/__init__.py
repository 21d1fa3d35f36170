"""Delta ADS: the machine that serves one proxy, and the server around the machines."""
