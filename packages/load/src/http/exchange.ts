/**
 * One HTTP exchange as every part of the generator sees it: what is asked, what came back, and when each part happened.
 * A failure is an outcome with a code, not an exception: a load test measures failures too.
 */

export interface HttpRequest {
  readonly method: string;
  /** Absolute, `http:` or `https:`. */
  readonly url: string;
  /** Sent in this order, names as written. `host`, `content-length` and `transfer-encoding` are added where missing. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  /** From the moment of sending until the last byte; 0 for none. */
  readonly timeoutMs?: number;
  /** `none` counts the bytes and keeps nothing, which is cheapest. */
  readonly responseBody?: "text" | "binary" | "none";
  readonly signal?: AbortSignal;
}

/**
 * Milliseconds on the monotonic clock of `performance.now()`. A phase that did not happen (no lookup on a reused
 * connection) is 0, as k6 reports it. `duration` = sending + waiting + receiving.
 */
export interface HttpTimings {
  /** When the request was due to be sent; equal to `startedAt` where nothing was scheduled. */
  readonly scheduledAt: number;
  readonly startedAt: number;
  readonly blocked: number;
  readonly lookingUp: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  readonly sending: number;
  /** Until the first byte of the response. */
  readonly waiting: number;
  readonly receiving: number;
  readonly duration: number;
}

/** Why an exchange failed below HTTP. `code` is k6's number for it (1000–1699), so that k6 thresholds keep their meaning. */
export interface HttpFailure {
  readonly code: number;
  readonly message: string;
  readonly cause?: unknown;
}

export interface HttpResponse {
  /** 0 where there was no response; then `failure` says why. */
  readonly status: number;
  readonly statusText: string;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2.0" | "";
  /** In the order received, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** False where no `Set-Cookie` is among the headers, which most often saves reading them; absent where nobody looked. */
  readonly setsCookies?: boolean;
  /** Absent with `responseBody: "none"`. Content encodings are undone. */
  readonly body?: string | Uint8Array;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly timings: HttpTimings;
  readonly failure?: HttpFailure;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly tls?: { readonly version: string; readonly cipher: string };
}

/**
 * Called as bytes of a body arrive, already decoded from their transfer and content encodings; they belong to the handler.
 * `at` is monotonic ms, `status` the response's.
 */
export type BodyChunkHandler = (chunk: Uint8Array, at: number, status: number) => void;

/**
 * Connections of one virtual user (or of several that share them). Hot: one call a request.
 * `send` never rejects for what the network or the server does.
 */
export interface HttpClient {
  send(request: HttpRequest, onChunk?: BodyChunkHandler): Promise<HttpResponse>;
  /** Ends idle connections; those in use end after their exchange. */
  closeIdle(): void;
  close(): void;
}
