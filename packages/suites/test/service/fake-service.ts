import { type ManualClock, ms } from "@mettle/core";
import type { HttpClient, HttpRequest, HttpResponse } from "@mettle/load";

export interface FakeServiceOptions {
  /** Virtual time that an answer takes. @defaultValue 20 ms */
  readonly takesMs?: (request: HttpRequest) => number;
  /** Answers that are not what the service promises. */
  readonly answer?: (
    request: HttpRequest,
    number: number,
  ) => { readonly status: number; readonly body: string } | undefined;
}

export interface SeenRequest {
  readonly atMs: number;
  readonly user: number;
  readonly scenario: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** An agent service in virtual time: tokens, executions, search, status and history; refuses what has no token. */
export class FakeService {
  readonly seen: SeenRequest[] = [];
  readonly #clock: ManualClock;
  readonly #options: FakeServiceOptions;

  constructor(clock: ManualClock, options: FakeServiceOptions = {}) {
    this.#clock = clock;
    this.#options = options;
  }

  client(user: { readonly id: number; readonly scenario: string }): HttpClient {
    return { send: (request) => this.#send(request, user), closeIdle: () => {}, close: () => {} };
  }

  async #send(
    request: HttpRequest,
    { id, scenario }: { readonly id: number; readonly scenario: string },
  ): Promise<HttpResponse> {
    const startedAt = this.#clock.now() / 1e6;
    const body = typeof request.body === "string" ? (JSON.parse(request.body) as unknown) : undefined;
    const path = new URL(request.url).pathname;
    this.seen.push({ atMs: startedAt, user: id, scenario, method: request.method, path, body });
    const number = this.seen.length;
    await this.#clock.sleep(ms(this.#options.takesMs?.(request) ?? 20));
    const answer = this.#options.answer?.(request, number) ?? this.#answer(request, path, body, number);
    const spent = this.#clock.now() / 1e6 - startedAt;
    return {
      status: answer.status,
      statusText: "",
      protocol: "HTTP/1.1",
      headers: [["content-type", "application/json"]],
      body: answer.body,
      bytesSent: 100,
      bytesReceived: 100,
      timings: {
        scheduledAt: startedAt,
        startedAt,
        blocked: 0,
        lookingUp: 0,
        connecting: 0,
        tlsHandshaking: 0,
        sending: 0,
        waiting: spent,
        receiving: 0,
        duration: spent,
      },
    };
  }

  #answer(
    { method, headers = [] }: HttpRequest,
    path: string,
    body: unknown,
    number: number,
  ): { readonly status: number; readonly body: string } {
    const ok = (value: object): { status: number; body: string } => ({ status: 200, body: JSON.stringify(value) });
    if (method === "POST" && path === "/auth/login") {
      const { username } = body as { readonly username: string };
      return ok({ token: `token of ${username}` });
    }
    const authorization = headers.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
    if (!authorization.startsWith("Bearer token of ")) return { status: 401, body: "{}" };
    if (method === "POST" && path === "/agents/execute") return ok({ execution_id: `e${number}` });
    if (method === "POST" && path === "/knowledge/search") return ok({ results: [] });
    if (method === "GET" && (path === "/agents/status" || path === "/agents/history")) return ok({});
    return { status: 404, body: "{}" };
  }
}
