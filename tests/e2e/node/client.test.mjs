// What a caller in Node does, against the server at JARVIS_ADDRESS, with the clients of JARVIS_SOURCE.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { status } from "@grpc/grpc-js";

import { connect } from "./connect.mjs";
import { details } from "./details.mjs";

const { JARVIS_ADDRESS: address, JARVIS_SOURCE: source } = process.env;
const user = (content) => ({ messages: [{ role: "ROLE_USER", content }], template: "" });
const words = (count) => "word ".repeat(count);
// A map of a descriptor is a list of its entries, as on the wire: that is how protobuf.js reads descriptors.
const map = (entries) =>
  source === "protos" ? entries : Object.entries(entries).map(([key, value]) => ({ key, value }));
const within = (seconds) => ({ deadline: Date.now() + seconds * 1000 });
let clients;

before(async () => { clients = await connect(address, source); });
after(() => Object.values(clients).forEach((client) => client.close()));

const unary = (service, method, request) =>
  promisify(clients[service][method].bind(clients[service]))(request, within(20));
const failed = (call) => new Promise((resolve, reject) => {
  call.on("data", () => {});
  call.on("error", resolve);
  call.on("end", () => reject(new Error("the call succeeded")));
});
async function activeRequests() {
  return (await unary("ServerService", "GetStatus", {})).active_requests;
}

test("a stream begins, adds up, and says how it ended", async () => {
  const events = [];
  const call = clients.GenerationService.GenerateStream(user("one two three"), within(20));
  for await (const event of call) events.push(event);

  assert.deepEqual(events.map(({ event }) => event), ["started", "delta", "delta", "delta", "finished"]);
  assert.equal(events.map(({ delta }) => delta?.text ?? "").join(""), "one two three");
  const { finished } = events.at(-1);
  assert.equal(finished.reason, "FINISH_REASON_STOP");
  assert.equal(finished.usage.completion_tokens, 3);
  assert.ok(!("_cached_tokens" in finished.usage), "what is left out is not there");
});

test("zero is another thing than nothing", async () => {
  const asked = { ...user("one"), sampling: { temperature: 0 } };
  const error = await unary("GenerationService", "Generate", asked).catch((caught) => caught);

  assert.equal(error.code, status.INVALID_ARGUMENT, "the stand-in has no temperature, not even 0");
  assert.deepEqual(details(error).BadRequest.field_violations.map(({ field }) => field), ["sampling.temperature"]);
  assert.equal((await unary("GenerationService", "Generate", { ...user("one"), sampling: {} })).choices[0].text, "one");
});

test("a caller that cancels frees what its request held", async () => {
  const call = clients.GenerationService.GenerateStream(user(words(2000)), within(60));
  const error = await new Promise((resolve) => {
    call.once("data", () => call.cancel());
    call.on("error", resolve);
    call.on("data", () => {});
  });

  assert.equal(error.code, status.CANCELLED);
  const deadline = Date.now() + 10_000;
  while (await activeRequests()) assert.ok(Date.now() < deadline, "it still runs");
});

test("a deadline ends a stream, and a whole answer", async () => {
  const asked = user(words(2000));
  const streamed = await failed(clients.GenerationService.GenerateStream(asked, within(0.5)));
  assert.equal(streamed.code, status.DEADLINE_EXCEEDED);

  const whole = await new Promise((resolve) => {
    clients.GenerationService.Generate(asked, within(0.5), (error) => resolve(error));
  });
  assert.equal(whole.code, status.DEADLINE_EXCEEDED);
});

test("an error tells its reason, and every field that is to blame", async () => {
  const asked = { ...user(""), sampling: { max_tokens: 0 } };
  const error = await failed(clients.GenerationService.GenerateStream(asked, within(20)));

  assert.equal(error.code, status.INVALID_ARGUMENT);
  const found = details(error);
  assert.equal(found.code, error.code);
  assert.deepEqual([found.ErrorInfo.reason, found.ErrorInfo.domain], ["INVALID_ARGUMENT", "jarvis"]);
  const fields = found.BadRequest.field_violations.map(({ field }) => field).sort();
  assert.deepEqual(fields, ["messages[0].content", "sampling.max_tokens"]);

  const unknown = await unary("GenerationService", "Generate", { ...user("a"), model: "nope" })
    .catch((caught) => caught);
  assert.deepEqual([unknown.code, details(unknown).ErrorInfo.reason], [status.NOT_FOUND, "MODEL_NOT_FOUND"]);
});

test("vectors are little-endian floats of length 1", async () => {
  const { dimension, data_type, embeddings } = await unary("EmbeddingService", "Embed", { texts: ["a b", "c"] });

  assert.deepEqual([data_type, embeddings.length], ["DATA_TYPE_FLOAT32", 2]);
  for (const { vector } of embeddings) {
    assert.equal(vector.length, 4 * dimension);
    const view = new DataView(vector.buffer, vector.byteOffset, vector.length);
    const components = Array.from({ length: dimension }, (_, place) => view.getFloat32(4 * place, true));
    assert.ok(Math.abs(Math.hypot(...components) - 1) < 1e-3);
  }
});

test("documents are ingested over one stream, and found by words and by vector", async () => {
  const collection = `node-${source}`;
  await unary("RetrievalService", "CreateCollection", { name: collection });
  const call = clients.RetrievalService.Ingest(within(30));
  const told = [];
  const ended = new Promise((resolve, reject) => {
    call.on("data", (response) => told.push(response));
    call.on("end", resolve);
    call.on("error", reject);
  });
  call.write({ start: { collection } });
  for (const [name, text] of [["crane.md", "The crane lifts the quartz."], ["heron.md", "A heron waits."]]) {
    call.write({ document: { source: name, metadata: map({ pages: { int_value: 1 } }) } });
    for (const part of [text.slice(0, 5), text.slice(5)]) call.write({ data: Buffer.from(part) });
  }
  call.write({ document: { source: "bad.pdf" } });
  call.write({ data: Buffer.from("%PDF-1.4 broken") });
  call.end();
  await ended;

  const outcomes = told.filter(({ event }) => event === "document").map(({ document }) => document.outcome);
  assert.deepEqual(outcomes, ["INGEST_OUTCOME_ADDED", "INGEST_OUTCOME_ADDED", "INGEST_OUTCOME_FAILED"]);
  assert.equal(told.at(-1).finished.added, 2);

  const [{ vector }] = (await unary("EmbeddingService", "Embed", { texts: ["quartz"], role: "TEXT_ROLE_QUERY" })).embeddings;
  for (const query of [{ text: "quartz" }, { vector }]) {
    const { hits } = await unary("RetrievalService", "Search", { collection, top_k: 2, ...query });
    assert.equal(hits[0].source.source, "crane.md");
    assert.equal(hits[0].text, "The crane lifts the quartz.");
    assert.equal(Object.keys(hits[0].metadata).length, 1);
  }
  await unary("RetrievalService", "DeleteCollection", { name: collection });
});

test("an ingestion into nothing tells why", async () => {
  const call = clients.RetrievalService.Ingest(within(20));
  call.on("error", () => {});
  const error = failed(call);
  call.write({ start: { collection: "nowhere" } });

  assert.deepEqual([(await error).code, details(await error).ErrorInfo.reason], [status.NOT_FOUND, "COLLECTION_NOT_FOUND"]);
});
