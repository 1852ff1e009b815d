"""The use cases. Domain types in, domain types out; engines only through ports."""
