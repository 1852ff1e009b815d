"""What the core needs from the outside: protocols, their value types, their errors. No technology."""
