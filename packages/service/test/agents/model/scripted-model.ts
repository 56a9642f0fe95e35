import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ModelCall {
  readonly headers: IncomingMessage["headers"];
  readonly body: { readonly messages: readonly { readonly role: string; readonly content: string }[] } & Record<
    string,
    unknown
  >;
}
type Script = (call: ModelCall, response: ServerResponse) => void;

/** A model's server whose answers the test writes: the n-th call is answered by the n-th script, the last one by all after it. */
export async function scriptedModel(
  ...scripts: readonly Script[]
): Promise<{ url: string; calls: ModelCall[] } & AsyncDisposable> {
  const calls: ModelCall[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      const call = { headers: request.headers, body: JSON.parse(text) as ModelCall["body"] };
      calls.push(call);
      scripts[Math.min(calls.length, scripts.length) - 1]?.(call, response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const event = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** Streams pieces of an answer, to its end unless it is to break off. */
export const says =
  (pieces: readonly string[], { breaksOff = false } = {}): Script =>
  (_call, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event({ role: "assistant" }));
    for (const content of pieces) response.write(event({ content }));
    if (breaksOff) setImmediate(() => response.destroy());
    else response.end(`${event({}, "stop")}data: [DONE]\n\n`);
  };

export const refuses =
  (status: number, headers: Record<string, string> = {}): Script =>
  (_call, response) => {
    response.writeHead(status, headers).end('{"error":{"message":"no"}}');
  };
