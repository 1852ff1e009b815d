// Make one gRPC call with a request in base64, over Node's HTTP/2 alone, and print its trailers as JSON.
// gRPC's own clients in Python hide the load from the application: their balancers alone see it.

import { connect } from "node:http2";

const [address, path, request] = process.argv.slice(2);
const message = Buffer.from(request, "base64");
const head = Buffer.alloc(5);
head.writeUInt32BE(message.length, 1);

const session = connect(`http://${address}`);
const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
const call = session.request(headers);
let ended = {};
call.on("response", (found) => { ended = found; }); // the trailers too, of a call without an answer
call.on("trailers", (found) => { ended = found; });
call.on("close", () => { console.log(JSON.stringify(ended)); session.close(); });
call.resume();
call.end(Buffer.concat([head, message]));
