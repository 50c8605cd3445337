"""What an application may do with mail, and how far it can be trusted."""
