"""The gRPC server: one servicer a service, one table of errors, one interceptor, one place that converts."""
