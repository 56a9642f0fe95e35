import { type Milliseconds, ms, systemClock } from "@mettle/core";
import { suitesErrors } from "../../errors.ts";
import { MetricsSnapshot } from "./open-metrics.ts";

export interface ServiceAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const answerWithinMs = 60_000;

/** The few calls that a validation makes itself, beside its load. */
export class ServiceClient {
  readonly #baseUrl: string;
  readonly #signal: AbortSignal;
  readonly #heardOfWithin: Milliseconds;

  /**
   * @param signal - aborts when there is nobody to call any more
   * @param heardOfWithin - how long after its last connection broke the end of the service may become known
   */
  constructor(baseUrl: string, signal: AbortSignal, heardOfWithin: Milliseconds = ms(0)) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#signal = signal;
    this.#heardOfWithin = heardOfWithin;
  }

  async call(
    method: "GET" | "POST",
    path: string,
    { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<ServiceAnswer> {
    const { status, text, isJson } = await this.#fetch(path, {
      method,
      headers: {
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const read: unknown = isJson && text !== "" ? JSON.parse(text) : {};
    return { status, body: read as ServiceAnswer["body"] };
  }

  /** @throws MettleError `SERVICE_LOGIN_FAILED` */
  async logIn(username: string, password: string): Promise<string> {
    const { status, body } = await this.call("POST", "/auth/login", { body: { username, password } });
    const { token } = body;
    if (status === 200 && typeof token === "string") return token;
    throw suitesErrors.create("SERVICE_LOGIN_FAILED", `Logging in as ${username} gave no token: status ${status}.`, {
      details: { status },
    });
  }

  /** What it tells of itself; undefined where a service has no /metrics. */
  async metrics(): Promise<MetricsSnapshot | undefined> {
    const { status, text } = await this.#fetch("/metrics", {});
    return status === 200 ? new MetricsSnapshot(text) : undefined;
  }

  async #fetch(
    path: string,
    request: RequestInit,
  ): Promise<{ readonly status: number; readonly text: string; readonly isJson: boolean }> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(answerWithinMs)]);
    try {
      const response = await fetch(`${this.#baseUrl}${path}`, { ...request, signal });
      const isJson = response.headers.get("content-type")?.includes("json") === true;
      // Here, because a connection may break within the answer as well.
      return { status: response.status, text: await response.text(), isJson };
    } catch (cause) {
      // What ended the service, or the user's interruption, says more than that a connection broke: but a process is known to
      // have ended a moment after its connections are.
      await abortedWithin(this.#signal, this.#heardOfWithin);
      this.#signal.throwIfAborted();
      throw suitesErrors.create("SERVICE_UNREACHABLE", `${this.#baseUrl}${path} does not answer.`, { cause });
    }
  }
}

function abortedWithin(signal: AbortSignal, duration: Milliseconds): Promise<void> {
  // Rejects when it is aborted first, which is what is waited for.
  return systemClock.sleep(duration, signal).catch(() => undefined);
}
