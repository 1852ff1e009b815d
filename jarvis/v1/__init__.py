"""Generated from `protos/jarvis/v1` by `make proto`. Do not edit."""
