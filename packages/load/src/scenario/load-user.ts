import { parseDurationMs, Random } from "@mettle/core";
import { type AgentTargets, UserAgents } from "../agent/user-agents.ts";
import type { A2aStep } from "../drivers/a2a.ts";
import type { Driver, StepOutcome } from "../drivers/driver.ts";
import type { ChatStep } from "../drivers/openai-chat.ts";
import type { ResponsesStep } from "../drivers/openai-responses.ts";
import { PacedClient } from "../engine/request-pacer.ts";
import type { Iteration, VirtualUser } from "../engine/virtual-user.ts";
import type { HttpClient } from "../http/exchange.ts";
import { PooledHttpClient } from "../http/http-client.ts";
import { builtIn } from "../metrics/built-in.ts";
import type { Metric, MetricDefinition, TagSet, Tags } from "../metrics/recorder.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { type RequestDefaults, UserHttp } from "./user-http.ts";
import { UserMetric } from "./user-metric.ts";
import { SocketMetrics, UserSocket } from "./user-socket.ts";
import { choose } from "./weighted.ts";

/** What a check says of its subject. */
export type Predicates<Subject> = Readonly<Record<string, (subject: Subject) => boolean>>;

export interface SocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** What it is called in results. @defaultValue the path, without query */
  readonly name?: string;
  readonly tags?: Tags;
  /** Offer permessage-deflate. @defaultValue false */
  readonly compression?: boolean;
  /** For the handshake. @defaultValue that of requests */
  readonly timeoutMs?: number;
}

type GroupCache = WeakMap<Tags, Map<string, Tags>>;
/** Group names come from a script; one that makes them up without end is not remembered for ever. */
const MOST_GROUPS = 1000;

/** What the users of one worker have in common. */
export interface SharedByUsers {
  readonly requests: RequestDefaults;
  readonly metrics: HttpMetrics;
  readonly seed: number;
  readonly agents: AgentTargets;
  readonly groups: GroupCache;
}

/** One virtual user, as a scenario's function is given it. Lives as long as its user: what is kept on it stays. */
export class LoadUser<Data = unknown> {
  /** From 1, unique over the run. */
  readonly id: number;
  readonly scenario: string;
  /** What setup returned. */
  readonly data: Data;
  /** Of the run and the scenario (`env`), and what was given with `--env`. */
  readonly env: Readonly<Record<string, string>>;
  readonly http: UserHttp;
  /** Seeded by the run's seed and the user: the same run makes the same choices. */
  readonly random: Random;
  /** For this user to remember things by, from one iteration to the next. */
  readonly state: Record<string, unknown> = {};
  readonly #user: VirtualUser;
  #iteration: Iteration = { number: 0, numberInScenario: 0 };
  #group = "";
  #tags: Tags;
  readonly #checks: Metric;
  readonly #groups: Metric;
  readonly #metrics = new Map<string, UserMetric>();
  readonly #groupCache: GroupCache;
  readonly #targets: AgentTargets;
  #agents: UserAgents | undefined;
  readonly #requests: RequestDefaults;
  readonly #sockets = new Set<UserSocket>();
  #socketMetrics: SocketMetrics | undefined;

  /** @internal */
  constructor(user: VirtualUser, data: Data, shared: SharedByUsers) {
    const { requests, metrics, seed } = shared;
    this.#groupCache = shared.groups;
    this.#targets = shared.agents;
    this.#requests = requests;
    this.id = user.id;
    this.scenario = user.scenario;
    this.data = data;
    this.env = user.environment;
    this.random = new Random(seed * 1_000_003 + user.id);
    this.#user = user;
    this.#tags = user.tags;
    this.http = new UserHttp(user, requests, metrics, this);
    this.#checks = user.recorder.metric(builtIn.checks);
    this.#groups = user.recorder.metric(builtIn.groupDuration);
  }

  /** Aborted when the test ends before this iteration does; what waits should listen. */
  get signal(): AbortSignal {
    return this.#user.signal;
  }

  /** Of this user, from 0. */
  get iteration(): number {
    return this.#iteration.number;
  }

  /** Over the whole scenario, from 0: for rows of data that each must be used once. */
  get iterationInScenario(): number {
    return this.#iteration.numberInScenario;
  }

  /** When this iteration was due, in ms of `performance.now()`; undefined without a schedule. */
  get scheduledAt(): number | undefined {
    return this.#iteration.scheduledAt;
  }

  /** Of the scenario, the group, and what `tag` added. */
  get tags(): Tags {
    return this.#tags;
  }

  /** @internal */
  begin(iteration: Iteration): void {
    this.#iteration = iteration;
    this.#group = "";
    this.#tags = this.#user.tags;
    this.http.beginIteration(iteration.scheduledAt ?? Number.NaN);
    this.#agents?.begin();
  }

  /** @internal Ends what the user has left open. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await this.#agents?.close();
  }

  /** Adds tags to everything that this iteration records from now on. */
  tag(tags: Tags): void {
    this.#tags = { ...this.#tags, ...tags };
  }

  /**
   * Records whether something holds; never throws, so the scenario goes on.
   *
   * @param condition - a truth, or one predicate for each name; a predicate that throws does not hold
   * @returns whether all hold
   */
  check<Subject>(subject: Subject, predicates: Predicates<Subject>): boolean;
  check(name: string, condition: boolean): boolean;
  check<Subject>(subject: Subject | string, condition: Predicates<Subject> | boolean): boolean {
    if (typeof condition === "boolean") return this.#record(String(subject), condition);
    let all = true;
    for (const [name, predicate] of Object.entries(condition)) {
      if (!this.#record(name, holds(predicate, subject as Subject))) all = false;
    }
    return all;
  }

  /** Runs a part of the iteration under a name: its duration and everything in it are tagged with it. */
  async group<Result>(name: string, part: () => Result | Promise<Result>): Promise<Result> {
    const [outer, tags] = [this.#group, this.#tags];
    this.#group = `${outer}::${name}`;
    this.#tags = this.#groupTags(tags, this.#group);
    const startedAt = this.#user.clock.now() / 1e6;
    try {
      return await part();
    } finally {
      this.#groups.add(this.#user.clock.now() / 1e6 - startedAt, this.#tagSet({}));
      this.#group = outer;
      this.#tags = tags;
    }
  }

  /** Waits: `"500ms"`, `"2s"`, or milliseconds. Ends early, with a rejection, when the test does. */
  sleep(duration: string | number): Promise<void> {
    return this.#user.sleep(typeof duration === "number" ? duration : parseDurationMs(duration));
  }

  /** Waits as a person thinks: evenly spread between two durations. */
  think(least: string | number, most: string | number): Promise<void> {
    const [from, to] = [least, most].map((each) => (typeof each === "number" ? each : parseDurationMs(each)));
    return this.#user.sleep((from ?? 0) + this.random.uniform() * ((to ?? 0) - (from ?? 0)));
  }

  /**
   * One of several, by weight. The weights need not add up to 1: they are shares of their sum (T-22).
   *
   * @example await user.choose({ search: 3, read: 6, write: 1 }, { search, read, write })(user)
   */
  choose<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  choose<Name extends string, Choice>(
    weights: Readonly<Record<Name, number>>,
    choices: Readonly<Record<Name, Choice>>,
  ): Choice;
  choose<Name extends string, Choice>(
    weights: Readonly<Record<Name, number>>,
    choices?: Readonly<Record<Name, Choice>>,
  ): Name | Choice {
    const name = choose(weights, this.random.uniform());
    return choices ? choices[name] : name;
  }

  /** The row of this iteration: every row once, then again from the first. */
  row<Row>(rows: readonly Row[]): Row {
    const row = rows[this.iterationInScenario % rows.length];
    if (row === undefined) throw new Error("there are no rows of data");
    return row;
  }

  /** A distribution of values: quantiles, least, greatest. `time` are milliseconds. */
  trend(name: string, contains: MetricDefinition["contains"] = "default"): UserMetric {
    return this.#metric({ name, kind: "trend", contains });
  }

  /** A sum of amounts. */
  counter(name: string, contains: MetricDefinition["contains"] = "default"): UserMetric {
    return this.#metric({ name, kind: "counter", contains });
  }

  /** A level: the last, least and greatest value. */
  gauge(name: string, contains: MetricDefinition["contains"] = "default"): UserMetric {
    return this.#metric({ name, kind: "gauge", contains });
  }

  /** A share of truths. */
  rate(name: string): UserMetric {
    return this.#metric({ name, kind: "rate", contains: "default" });
  }

  /**
   * Asks the model of `agents.chat`; its answer streams, and every metric of model requests is recorded. What the server
   * does wrong is an outcome that is not `ok`, with a code; it does not throw.
   *
   * @throws MettleError `AGENT_TARGET_MISSING`
   */
  chat(prompt: string | ChatStep): Promise<StepOutcome> {
    return this.#agent.chat(prompt);
  }

  /** The same with the model of `agents.responses`. */
  respond(prompt: string | ResponsesStep): Promise<StepOutcome> {
    return this.#agent.respond(prompt);
  }

  /** Calls a tool of `agents.mcp`. @throws MettleError `AGENT_TARGET_MISSING`, `DRIVER_OPEN_FAILED` */
  tool(name: string, input?: Readonly<Record<string, unknown>>): Promise<StepOutcome> {
    return this.#agent.tool(name, input);
  }

  /** Sends a message to the agent of `agents.a2a` and waits for the end of its task. */
  message(prompt: string | A2aStep): Promise<StepOutcome> {
    return this.#agent.message(prompt);
  }

  /** One step of any driver (`inProcess`, `natsRequest`, one of your own), recorded as a request to `name`. */
  send<Step>(driver: Driver<Step>, step: Step, name?: string): Promise<StepOutcome> {
    return this.#agent.send(driver, step, name);
  }

  /**
   * A task of an agent: the calls of models and tools made in it are its parts.
   *
   * @param part - its truth is your judgement: passed or not. Without one the task is not judged; what it throws fails it
   * @example await user.task("triage", async () => (await user.chat("Where is my parcel?")).text.includes("today"));
   */
  task(name: string, part: () => unknown): Promise<boolean | undefined> {
    return this.#agent.task(name, part);
  }

  get #agent(): UserAgents {
    if (!this.#agents) {
      this.#agents = new UserAgents(this, this.#targets);
      this.#agents.begin();
    }
    return this.#agents;
  }

  /**
   * Opens a WebSocket. Recorded under k6's names (`ws_connecting`, `ws_sessions`, `ws_session_duration`, `ws_msgs_sent`,
   * `ws_msgs_received`), and `ws_connect_failed`. It may be kept from one iteration to the next in `state`; whatever is
   * open when the user ends is ended.
   *
   * @param url - `ws:` or `wss:`, or a path under `http.baseUrl`
   * @throws MettleError `LOAD_SOCKET_ENDED` where the server does not agree
   */
  async webSocket(url: string, options: SocketOptions = {}): Promise<UserSocket> {
    const client = engineClient(this.#user.http);
    const absolute = this.http.absolute(url);
    const name = options.name ?? /^[^/]*\/\/[^/]*(\/[^?#]*)?/.exec(absolute)?.[1] ?? "/";
    const headers = { ...this.#requests.headers, ...options.headers };
    this.#socketMetrics ??= new SocketMetrics(this.#user.recorder);
    const socket = await UserSocket.open({
      engine: client.engine,
      clock: this.#user.clock,
      metrics: this.#socketMetrics,
      tags: this.#tagSet({ name, url: absolute.split("?", 1)[0] ?? absolute, ...options.tags }),
      url: absolute,
      headers: Object.entries(headers),
      protocols: options.protocols ?? [],
      compression: options.compression ?? false,
      timeoutMs: options.timeoutMs ?? this.#requests.timeoutMs,
      signal: this.#user.signal,
    });
    this.#sockets.add(socket);
    void socket.ended.then(() => this.#sockets.delete(socket));
    return socket;
  }

  /** The engine's own view of this user, for drivers of other protocols. */
  get virtualUser(): VirtualUser {
    return this.#user;
  }

  #metric(definition: MetricDefinition): UserMetric {
    const known = this.#metrics.get(definition.name);
    if (known && known.kind === definition.kind && known.contains === definition.contains) return known;
    const made = new UserMetric(this.#user.recorder.metric(definition), (tags) => this.#tagSet(tags));
    this.#metrics.set(definition.name, made);
    return made;
  }

  #record(check: string, holds: boolean): boolean {
    this.#checks.add(holds ? 1 : 0, this.#tagSet({ check }));
    return holds;
  }

  /** Made once for all users, so that what is kept by tags is found again. */
  #groupTags(around: Tags, group: string): Tags {
    let groups = this.#groupCache.get(around);
    if (!groups) {
      groups = new Map();
      this.#groupCache.set(around, groups);
    }
    const known = groups.get(group);
    if (known) return known;
    const made = { ...around, group };
    if (groups.size < MOST_GROUPS) groups.set(group, made);
    return made;
  }

  #tagSet(tags: Tags): TagSet {
    return this.#user.recorder.tagSet({ ...this.#tags, ...tags });
  }
}

/** Other protocols of a user share the names looked up and the cap on connections with its requests. */
function engineClient(client: HttpClient): PooledHttpClient {
  const inner = client instanceof PacedClient ? client.inner : client;
  if (inner instanceof PooledHttpClient) return inner;
  throw new Error("WebSockets need the engine's own HTTP client; this load test brought another");
}

/** A predicate that throws does not hold: a body that is no JSON is a failed check, not the end of the iteration. */
function holds<Subject>(predicate: (subject: Subject) => boolean, subject: Subject): boolean {
  try {
    return predicate(subject);
  } catch {
    return false;
  }
}
