"""Generated from `protos/jarvis/orca` by `make proto`. Do not edit."""
