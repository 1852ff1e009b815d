"""Metrics, traces, and service-level objectives."""
