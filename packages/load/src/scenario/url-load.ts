import type { LoadTest } from "../engine/load-test.ts";
import type { LoadOptions } from "../engine/load-options.ts";
import type { Iteration, PreparedUser, VirtualUser, Workload } from "../engine/virtual-user.ts";
import { Exchange } from "../http/exchange-record.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { PooledHttpClient } from "../http/http-client.ts";
import type { HttpOptions } from "../http/http-options.ts";
import type { MetricRecorder } from "../metrics/recorder.ts";
import { HttpMetrics, isExpected, type RequestTags, requestTags } from "./http-metrics.ts";

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
    return Promise.resolve(new UrlUser(this.#request, user, this.#metrics.http, shared));
  }
}

/** Sends one prepared request again and again. Hot: no response is made of it, its body is only counted. */
class UrlUser implements PreparedUser {
  readonly #client: PooledHttpClient;
  readonly #exchange: Exchange;
  readonly #metrics: HttpMetrics;
  readonly #tags: RequestTags;
  #done: () => void = () => {};
  #dueAt = Number.NaN;

  constructor(request: HttpRequest, user: VirtualUser, metrics: HttpMetrics, tags: RequestTags) {
    if (!(user.http instanceof PooledHttpClient)) throw new Error("a URL is loaded by the HTTP engine's own client");
    this.#client = user.http;
    this.#metrics = metrics;
    this.#tags = tags;
    this.#exchange = new Exchange(this.#client.prepare(request), { onDone: this.#onDone, keepHead: false });
  }

  readonly #onDone = (exchange: Exchange): void => {
    this.#metrics.record(exchange, exchange, this.#tags, this.#dueAt, isExpected(exchange.status));
    this.#done();
  };

  readonly #start = (resolve: () => void): void => {
    this.#done = resolve;
    this.#client.dispatch(this.#exchange);
  };

  run(iteration: Iteration): Promise<void> {
    this.#dueAt = iteration.scheduledAt ?? Number.NaN;
    return new Promise(this.#start);
  }
}
