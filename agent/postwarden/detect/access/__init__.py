"""Whether it was the owner: habits of accounts, and spans of access that do not fit them."""
