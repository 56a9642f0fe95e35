import { Agent, type IncomingMessage, request } from "node:http";
import type { HttpClient, HttpRequest, HttpResponse } from "../../src/http/exchange.ts";

const pairs = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] as string, raw[2 * i + 1] as string]);

/** The exchange on Node's own client: slow and plain, for tests of what stands above it. */
export class NodeClient implements HttpClient {
  readonly #agent = new Agent({ keepAlive: true });

  send(asked: HttpRequest): Promise<HttpResponse> {
    const startedAt = performance.now();
    const ended = (rest: Partial<HttpResponse>): HttpResponse => {
      const duration = performance.now() - startedAt;
      return {
        status: 0,
        statusText: "",
        protocol: "",
        headers: [],
        bytesSent: 100,
        bytesReceived: 0,
        timings: {
          scheduledAt: startedAt,
          startedAt,
          blocked: 0,
          lookingUp: 0,
          connecting: 0,
          tlsHandshaking: 0,
          sending: 0,
          waiting: duration,
          receiving: 0,
          duration,
        },
        ...rest,
      };
    };
    return new Promise((resolve) => {
      const headers = new Map<string, string[]>();
      for (const [name, value] of asked.headers ?? []) headers.set(name, [...(headers.get(name) ?? []), value]);
      const fail = (code: number, message: string): void => resolve(ended({ failure: { code, message } }));
      const sent = request(
        asked.url,
        {
          method: asked.method,
          agent: this.#agent,
          headers: Object.fromEntries(
            [...headers].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
          ),
          ...(asked.timeoutMs && { timeout: asked.timeoutMs }),
        },
        (response: IncomingMessage) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const bytes = Buffer.concat(chunks);
            const body =
              asked.responseBody === "none"
                ? undefined
                : asked.responseBody === "binary"
                  ? new Uint8Array(bytes)
                  : bytes.toString();
            resolve(
              ended({
                status: response.statusCode ?? 0,
                statusText: response.statusMessage ?? "",
                protocol: "HTTP/1.1",
                headers: pairs(response.rawHeaders),
                bytesReceived: bytes.length,
                remoteAddress: "127.0.0.1",
                ...(body !== undefined && { body }),
              }),
            );
          });
        },
      );
      sent.on("timeout", () => {
        fail(1050, "request timeout");
        sent.destroy();
      });
      sent.on("error", (error: NodeJS.ErrnoException) =>
        fail(error.code === "ECONNREFUSED" ? 1212 : 1000, error.message),
      );
      sent.end(asked.body);
    });
  }

  closeIdle(): void {}

  close(): void {
    this.#agent.destroy();
  }
}
