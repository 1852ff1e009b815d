"""The use cases: they take and return domain types, and reach engines only through ports."""
