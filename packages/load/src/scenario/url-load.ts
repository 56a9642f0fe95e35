import type { LoadTest } from "../engine/load-test.ts";
import type { LoadOptions } from "../engine/load-options.ts";
import type { Iteration, PreparedUser, VirtualUser, Workload } from "../engine/virtual-user.ts";
import { Exchange } from "../http/exchange-record.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { PooledHttpClient } from "../http/http-client.ts";
import type { HttpOptions } from "../http/http-options.ts";
import type { MetricRecorder } from "../metrics/recorder.ts";
import { type ExchangeOutcome, HttpMetrics, isExpected, type RequestTags, requestTags } from "./http-metrics.ts";

export interface UrlLoadParameters {
  readonly request: HttpRequest;
  readonly options: LoadOptions;
  readonly http?: HttpOptions;
}

/** One request over and over: `mettle load URL`. Called in every thread. */
export function urlLoad({ request, options, http }: UrlLoadParameters): LoadTest {
  return { workload: new UrlWorkload(request), options, ...(http && { http }) };
}

class UrlWorkload implements Workload {
  readonly #request: HttpRequest;
  #metrics: { readonly recorder: MetricRecorder; readonly http: HttpMetrics } | undefined;
  readonly #tags = new Map<string, RequestTags>();

  constructor(request: HttpRequest) {
    this.#request = { ...request, responseBody: "none" };
  }

  prepare(user: VirtualUser): Promise<PreparedUser> {
    if (this.#metrics?.recorder !== user.recorder) {
      this.#metrics = { recorder: user.recorder, http: new HttpMetrics(user.recorder) };
    }
    const { method, url } = this.#request;
    const shared = this.#tags.get(user.scenario) ?? requestTags({ ...user.tags, method, url, name: url });
    this.#tags.set(user.scenario, shared);
    const { http } = this.#metrics;
    return Promise.resolve(
      user.http instanceof PooledHttpClient
        ? new UrlUser(this.#request, user, user.http, http, shared)
        : sendingUser(this.#request, user, http, shared),
    );
  }
}

/** A good status does not make good an answer that was cut off or malformed after it. */
const hasSucceeded = ({ status, failure }: ExchangeOutcome): boolean => failure === undefined && isExpected(status);

/** By a client that is not the engine's own, or one whose requests wait for their turn. */
function sendingUser(request: HttpRequest, user: VirtualUser, metrics: HttpMetrics, tags: RequestTags): PreparedUser {
  return {
    run: async ({ scheduledAt = Number.NaN }) => {
      const response = await user.http.send(request);
      if (user.interrupted === true) return;
      metrics.record(response, response.timings, tags, scheduledAt, hasSucceeded(response));
    },
  };
}

/** Sends one prepared request again and again. Hot: no response is made of it, its body is only counted. */
class UrlUser implements PreparedUser {
  readonly #user: VirtualUser;
  readonly #client: PooledHttpClient;
  readonly #exchange: Exchange;
  readonly #metrics: HttpMetrics;
  readonly #tags: RequestTags;
  #done: () => void = () => {};
  #dueAt = Number.NaN;

  constructor(
    request: HttpRequest,
    user: VirtualUser,
    client: PooledHttpClient,
    metrics: HttpMetrics,
    tags: RequestTags,
  ) {
    this.#user = user;
    this.#client = client;
    this.#metrics = metrics;
    this.#tags = tags;
    this.#exchange = new Exchange(this.#client.prepare(request), { onDone: this.#onDone, keepHead: false });
  }

  readonly #onDone = (exchange: Exchange): void => {
    // What the end of the run cut off says nothing of the server: it is an interrupted iteration, and no request.
    if (this.#user.interrupted !== true) {
      this.#metrics.record(exchange, exchange, this.#tags, this.#dueAt, hasSucceeded(exchange));
    }
    this.#done();
  };

  start(scheduledAt: number, done: () => void): void {
    this.#dueAt = scheduledAt;
    this.#done = done;
    this.#client.dispatch(this.#exchange);
  }

  run({ scheduledAt = Number.NaN }: Iteration): Promise<void> {
    return new Promise((resolve) => this.start(scheduledAt, resolve));
  }
}
