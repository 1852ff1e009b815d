"""What the core needs from the outside: protocols, their value types and their errors; no technology."""
