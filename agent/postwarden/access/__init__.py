"""Sessions: put together from what logs tell, from which network, with which client."""
