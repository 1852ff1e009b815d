"""Who calls: API keys, tokens and certificates, and the roles of those who show them."""
