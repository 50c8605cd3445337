"""Where accesses come from and with what: networks, countries, client families."""
