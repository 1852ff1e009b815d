// The google.rpc details of a failed call.

import protobuf from "protobufjs";

const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message FieldViolation { string field = 1; string description = 2; }
  message BadRequest { repeated FieldViolation field_violations = 1; }
`, { keepCase: true });

export function details(error) {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const status = root.lookupType("google.rpc.Status").decode(packed);
  const found = { code: status.code };
  for (const { type_url, value } of status.details) {
    const type = type_url.split("/").pop();
    found[type.split(".").pop()] = root.lookupType(type).decode(value);
  }
  return found;
}
