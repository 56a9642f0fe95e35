import { type Clock, MettleError, ms, timeOrderedId } from "@mettle/core";
import { RequestFailure } from "../http/failure.ts";
import { Balancer } from "./balancer.ts";
import { HealthChecks } from "./health-checks.ts";
import { Hop, type HopAnswer } from "./hop.ts";
import { HungUp, Instance, type InstanceHealth } from "./instance.ts";

export interface GatewayOptions {
  /** Other instances. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** Whether this instance takes nothing more. */
  readonly draining: () => boolean;
  readonly onChange?: (instance: string, health: InstanceHealth, before: InstanceHealth) => void;
}

/** A request that any instance answers alike. */
export interface Passed {
  readonly path: string;
  /** Whether the caller waits for the end: an answer that is none yet is then asked for elsewhere. */
  readonly waits: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What a request was answered with elsewhere, or that it is to be answered here. */
export type Routed =
  | { readonly where: "here"; readonly idempotencyKey: string; readonly release: () => void }
  | { readonly where: string; readonly answer: HopAnswer };

/** Tells an instance that a request has been routed: it answers it itself. */
export const routedHeader = "x-mettle-routed";
const checkEvery = ms(5000);
const checkTimeout = ms(2000);
const attemptsAtMost = 3;
/** The instance did not do it, and says so. */
const notDone = new Set([502, 503, 504]);

/** An answer by which an instance says that another should be asked. */
class NotDone extends Error {
  readonly answer: HopAnswer;
  constructor(answer: HopAnswer) {
    super(`it answered ${answer.status}`);
    this.answer = answer;
  }
}

/**
 * Hands executions to this instance and others. An instance that keeps failing is left alone by its circuit breaker, one
 * that does not answer its health check by that. What failed is tried elsewhere, because it is idempotent: each request that
 * is passed on has an idempotency key, the caller's or one of ours, and all instances share the executions.
 */
export class Gateway implements AsyncDisposable {
  readonly #here: Instance;
  readonly #instances: readonly Instance[];
  readonly #balancer: Balancer;
  readonly #checks: HealthChecks;
  readonly #hop = new Hop();
  readonly #options: GatewayOptions;
  #retries = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { clock, urls, onChange } = options;
    this.#here = new Instance(undefined, clock);
    this.#instances = [this.#here, ...[...new Set(urls)].map((url) => new Instance(url, clock))];
    this.#balancer = new Balancer(this.#instances);
    this.#checks = new HealthChecks(this.#instances, (instance, signal) => this.#probe(instance, signal), clock, {
      every: checkEvery,
      timeout: checkTimeout,
      ...(onChange && { onChange: (instance, before) => onChange(instance.name, instance.health, before) }),
    });
  }

  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /** This instance takes nothing more. */
  drain(): void {
    this.#here.health = "draining";
  }

  get retries(): number {
    return this.#retries;
  }

  /**
   * Chooses an instance and, where that is another, has it answer.
   *
   * @throws RequestFailure `INSTANCES_UNAVAILABLE`
   */
  async route(passed: Passed): Promise<Routed> {
    const tried = new Set<Instance>();
    const headers = {
      "idempotency-key": `gateway:${timeOrderedId(this.#options.clock)}`,
      ...passed.headers,
      [routedHeader]: "1",
    };
    let last: HopAnswer | undefined;
    while (tried.size < attemptsAtMost) {
      const instance = this.#balancer.choose(tried);
      if (!instance) break;
      if (tried.size > 0) this.#retries += 1;
      tried.add(instance);
      instance.given += 1;
      instance.outstanding += 1;
      if (instance === this.#here) {
        const idempotencyKey = headers["idempotency-key"];
        return { where: "here", idempotencyKey, release: () => void (instance.outstanding -= 1) };
      }
      try {
        const answer = await instance.breaker.run(() => this.#send(instance, { ...passed, headers }));
        return { where: instance.name, answer };
      } catch (error) {
        passed.signal.throwIfAborted();
        if (error instanceof MettleError) continue; // its breaker refuses: nothing was sent
        instance.failed += 1;
        if (error instanceof NotDone) last = error.answer;
      } finally {
        instance.outstanding -= 1;
      }
    }
    if (last) return { where: "elsewhere", answer: last };
    throw new RequestFailure("unavailable", "INSTANCES_UNAVAILABLE", "No instance can take this now. Try again.", {
      retryAfter: 2,
    });
  }

  async #send(instance: Instance, { path, waits, headers, body, signal }: Passed): Promise<HopAnswer> {
    const either = AbortSignal.any([signal, instance.lost]);
    const url = `${instance.url}${path}`;
    const answer = await this.#hop
      .send({ method: "POST", url, headers, body, signal: either })
      .catch((cause: unknown) => Promise.reject(signal.aborted ? new HungUp("the caller hung up", { cause }) : cause));
    // 202 to a caller that waits: the instance ends before the execution does.
    if (notDone.has(answer.status) || (waits && answer.status === 202)) throw new NotDone(answer);
    return answer;
  }

  async #probe(instance: Instance, signal: AbortSignal): Promise<InstanceHealth> {
    if (instance.url === undefined) return this.#options.draining() ? "draining" : "healthy";
    const { status, body } = await this.#hop.send({
      method: "GET",
      url: `${instance.url}/ready`,
      headers: {},
      signal,
    });
    if (status === 200) return "healthy";
    return body.includes('"draining"') ? "draining" : "unhealthy";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checks[Symbol.asyncDispose]();
    this.#hop[Symbol.dispose]();
  }
}
