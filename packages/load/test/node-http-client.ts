import { Agent, request as httpRequest } from "node:http";
import type { BodyChunkHandler, HttpClient, HttpRequest, HttpResponse } from "../src/http/exchange.ts";

/** A plain client on node:http with the engine's interface: an implementation of its own, so that drivers are tested alone. */
export function nodeHttpClient(): HttpClient {
  const agent = new Agent({ keepAlive: true });
  return {
    send: (asked, onChunk) => exchange(agent, asked, onChunk),
    closeIdle: () => agent.destroy(),
    close: () => agent.destroy(),
  };
}

function exchange(agent: Agent, asked: HttpRequest, onChunk?: BodyChunkHandler): Promise<HttpResponse> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let status = 0;
    let headers: [string, string][] = [];
    let bytesReceived = 0;
    let settled = false;
    const finish = (failure?: { code: number; message: string }): void => {
      if (settled) return;
      settled = true;
      const duration = performance.now() - startedAt;
      resolve({
        status,
        statusText: "",
        protocol: "HTTP/1.1",
        headers,
        bytesSent: 0,
        bytesReceived,
        timings: {
          scheduledAt: startedAt,
          startedAt,
          blocked: 0,
          lookingUp: 0,
          connecting: 0,
          tlsHandshaking: 0,
          sending: 0,
          waiting: 0,
          receiving: duration,
          duration,
        },
        ...(failure && { failure }),
      });
    };
    const body = asked.body === undefined ? undefined : Buffer.from(asked.body);
    const outgoing = httpRequest(
      asked.url,
      {
        agent,
        method: asked.method,
        headers: {
          ...Object.fromEntries(asked.headers ?? []),
          ...(body && { "content-length": body.length }),
        },
        ...(asked.signal && { signal: asked.signal }),
      },
      (response) => {
        status = response.statusCode ?? 0;
        headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        response.on("data", (chunk: Buffer) => {
          bytesReceived += chunk.length;
          onChunk?.(chunk, performance.now());
        });
        response.on("end", () => finish());
        response.on("error", (error) => finish({ code: 1220, message: error.message }));
      },
    );
    outgoing.on("error", (error) => finish({ code: 1220, message: error.message }));
    outgoing.end(body);
  });
}
