// Clients of every service: from the protos, or from what the server tells of itself by reflection.

import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON, loadSync } from "@grpc/proto-loader";
import reflection from "grpc-js-reflection-client";

const OPTIONS = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
const SERVICES = ["GenerationService", "EmbeddingService", "RetrievalService", "ServerService"];

export async function connect(address, source) {
  const insecure = credentials.createInsecure();
  const definitions = await (source === "protos" ? fromProtos() : fromReflection(address, insecure, source));
  return Object.fromEntries(
    SERVICES.map((name) => [name, new definitions.jarvis.v1[name](address, insecure)]),
  );
}

function fromProtos() {
  const files = ["generation", "embedding", "server"].map((name) => `jarvis/v1/${name}.proto`);
  const includeDirs = [new URL("../../../protos", import.meta.url).pathname];
  return loadPackageDefinition(loadSync(files, { ...OPTIONS, includeDirs }));
}

async function fromReflection(address, insecure, version) {
  const server = new reflection.GrpcReflection(address, insecure, {}, version);
  const listed = await server.listServices();
  const loaded = {};
  for (const name of listed.filter((service) => service.startsWith("jarvis."))) {
    const described = await server.getDescriptorBySymbol(name);
    Object.assign(loaded, described.getPackageObject(OPTIONS).jarvis.v1);
  }
  return { jarvis: { v1: loaded } };
}
