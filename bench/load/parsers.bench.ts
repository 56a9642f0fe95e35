// What the engine itself adds to a request, an event and a message, without sockets: to be held against the 10 to 15 µs that
// the system calls and Node take for each. (Inner files of the package: not part of its surface.)
import { bench, suite } from "@mettle/bench";
import { ResponseParser } from "../../packages/load/src/http/response-parser.ts";
import { EventStreamParser } from "../../packages/load/src/sse/event-stream-parser.ts";
import { encodeFrame } from "../../packages/load/src/websocket/frame-encoder.ts";
import { FrameParser } from "../../packages/load/src/websocket/frame-parser.ts";

const fields = "Server: nginx/1.22.1\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n";
const responses = Array.from({ length: 64 }, (_, i) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 15:10:${10 + i} GMT\r\n${fields}Content-Length: 34\r\n\r\nhello world, this is a small body\n`,
  ),
);
const chunked = Buffer.from(
  `HTTP/1.1 200 OK\r\n${fields}Transfer-Encoding: chunked\r\n\r\n${"40\r\n".padEnd(68, "x")}\r\n0\r\n\r\n`,
);
const delta = Buffer.from(
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n',
);
const message = '{"type":"delta","text":" word"}';
const frame = Buffer.concat([Buffer.from([0x81, message.length]), Buffer.from(message)]);

let received = 0;
const sink = {
  onHead: () => undefined,
  onBody: (_: Uint8Array, start: number, end: number) => {
    received += end - start;
  },
};
const parser = new ResponseParser(sink);
const events = new EventStreamParser({
  onEvent: ({ data }) => {
    received += data.length;
  },
});
const frames = new FrameParser(
  {
    onMessage: (data) => {
      received += data.length;
    },
    onPing: () => undefined,
    onPong: () => undefined,
    onClose: () => undefined,
  },
  1_000_000,
);
let i = 0;

function parse(bytes: Buffer): void {
  parser.begin(false);
  if (parser.execute(bytes, 0, bytes.length) !== bytes.length || !parser.complete) throw new Error(parser.problem);
}

suite("parsers", () => {
  bench("response, its head like the one before", () => {
    parse(responses[0] as Buffer);
  });
  bench("response, its head new", () => {
    parse(responses[i++ & 63] as Buffer);
  });
  bench("response in one chunk", () => {
    parse(chunked);
  });
  bench("event of a model's stream", () => {
    if (!events.push(delta, 0)) throw new Error(events.problem);
  });
  bench("WebSocket message, received", () => {
    if (!frames.push(frame, 0, frame.length)) throw new Error(frames.problem);
  });
  bench("WebSocket message, made", () => {
    received += encodeFrame(0x81, message).length;
  });
});
