import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

export interface HopRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface HopAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const socketsOfAnInstance = 512;
/** No answer of ours is so large; one that never ends must. */
const bytesAtMost = 64 * 1024 * 1024;

/** Requests to other instances, over connections that are kept. An answer may take as long as it takes: the signal ends it. */
export class Hop implements Disposable {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: socketsOfAnInstance });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: socketsOfAnInstance });

  send({ method, url, headers, body, signal }: HopRequest): Promise<HopAnswer> {
    const secure = url.startsWith("https:");
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal, agent: secure ? this.#https : this.#http };
      const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
        read(response).then(resolve, reject);
      });
      request.once("error", reject);
      request.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

async function read(response: IncomingMessage): Promise<HopAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesAtMost) throw new Error("the answer does not end");
    chunks.push(chunk);
  }
  // A connection that breaks throws above; an answer that is cut short all the same is none.
  if (!response.complete) throw new Error("the answer was cut off");
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
