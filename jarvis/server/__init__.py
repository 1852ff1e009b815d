"""The gRPC server: one servicer per service, one table of errors, one interceptor, one set of conversions."""
