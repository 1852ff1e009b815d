"""What is measured, and what was promised of it."""
