"""Who may come in: tokens and their keys, cookies, scopes, and what is kept from others."""
