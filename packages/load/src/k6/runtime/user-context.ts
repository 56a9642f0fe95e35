import { k6Errors } from "../errors.ts";
import type { VirtualUser } from "../../engine/virtual-user.ts";
import type { Metric, MetricDefinition, MetricRecorder, TagSet, Tags } from "../../metrics/recorder.ts";
import type { K6Options } from "../options/options.ts";
import { CookieJar } from "../../http/cookie-jar.ts";
import { EventLoop } from "./event-loop.ts";
import type { ThreadShare } from "./thread-share.ts";
import type { K6Host } from "./host.ts";

export type Phase = "init" | "setup" | "iteration" | "teardown" | "summary";

const maxTagSets = 20_000;

/** What the users of one thread share about recording: handles of metrics and tag sets already interned. */
class RecorderCache {
  readonly metrics = new Map<string, Metric>();
  readonly tagSets = new Map<string, TagSet>();
}
const caches = new WeakMap<MetricRecorder, RecorderCache>();

function cacheOf(recorder: MetricRecorder): RecorderCache {
  const cache = caches.get(recorder) ?? new RecorderCache();
  caches.set(recorder, cache);
  return cache;
}

/** State of one virtual user of a k6 script, shared by the modules that the script imports. */
export class UserContext {
  readonly loop: EventLoop = new EventLoop();
  readonly host: K6Host;
  readonly share: ThreadShare;
  /** Absent where a script is only evaluated to learn its options. */
  readonly user: VirtualUser | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** As the script and the flags have it; filled in once the script was first evaluated. */
  options: K6Options;
  phase: Phase = "init";
  jar: CookieJar = new CookieJar();
  iteration = 0;
  iterationInScenario = 0;
  /** Options in the script's own words, for `exec.test.options`. */
  givenOptions: Readonly<Record<string, unknown>> = {};
  /** Metrics that the script defined. */
  readonly definitions: Map<string, MetricDefinition> = new Map();
  /** `Math.random` of this user once `randomSeed` was called. */
  random: (() => number) | undefined;
  readonly #cache: RecorderCache | undefined;
  #group = "";
  #userTags: Readonly<Record<string, string>> = {};
  #base: Tags = {};
  #baseKey = "";

  constructor(
    host: K6Host,
    share: ThreadShare,
    options: K6Options,
    environment: Readonly<Record<string, string>>,
    user?: VirtualUser,
  ) {
    this.host = host;
    this.share = share;
    this.options = options;
    this.environment = environment;
    this.user = user;
    this.#cache = user && cacheOf(user.recorder);
    this.#rebase();
  }

  get id(): number {
    return this.user?.id ?? 0;
  }

  get group(): string {
    return this.#group;
  }

  set group(path: string) {
    this.#group = path;
    this.#rebase();
  }

  /** Tags that the script set on the user itself. */
  get userTags(): Readonly<Record<string, string>> {
    return this.#userTags;
  }

  set userTags(tags: Readonly<Record<string, string>>) {
    this.#userTags = tags;
    this.#rebase();
  }

  /** Tags of whatever is recorded now. */
  get baseTags(): Tags {
    return this.#base;
  }

  /** Equal for equal base tags. */
  get baseKey(): string {
    return this.#baseKey;
  }

  #rebase(): void {
    const { user } = this;
    const base: Record<string, string> = { ...user?.tags };
    if (user && this.has("scenario")) base["scenario"] = user.scenario;
    if (this.has("group")) base["group"] = this.#group;
    this.#base = Object.assign(base, this.#userTags);
    this.#baseKey = JSON.stringify(this.#base);
  }

  /** Whether a system tag is wanted. */
  has(tag: string): boolean {
    return this.options.systemTags === undefined || this.options.systemTags.has(tag);
  }

  /** Options are known only after the first evaluation. */
  applyOptions(options: K6Options): void {
    this.options = options;
    this.#rebase();
  }

  /** The user, for what only a running one can do. */
  running(name: string): VirtualUser {
    if (!this.user || this.phase === "init") {
      throw new Error(`${name} cannot be used at the top level of a script, where k6 only prepares the user`);
    }
    return this.user;
  }

  /** Hot: once a sample. */
  metric(definition: MetricDefinition): Metric | undefined {
    if (!this.#cache || !this.user) return undefined;
    let metric = this.#cache.metrics.get(definition.name);
    if (!metric || metric.kind !== definition.kind) {
      metric = this.user.recorder.metric(definition);
      this.#cache.metrics.set(definition.name, metric);
    }
    return metric;
  }

  /** Hot: the base tags and some more; `key` is equal for equal ones, and `make` is asked only for new ones. */
  tagSet(key: string, make: () => Tags): TagSet {
    const tagSets = this.#cache?.tagSets;
    if (!tagSets || !this.user) throw k6Errors.create("K6_CALL_INVALID", "Nothing is recorded at the top level of a script.");
    const whole = `${this.#baseKey}\0${key}`;
    let set = tagSets.get(whole);
    if (set === undefined) {
      if (tagSets.size >= maxTagSets) tagSets.clear();
      set = this.user.recorder.tagSet({ ...this.#base, ...make() });
      tagSets.set(whole, set);
    }
    return set;
  }

  /** Records with the base tags and those of a call. */
  record(definition: MetricDefinition, value: number, tags?: Tags): void {
    const metric = this.metric(definition);
    if (!metric) return;
    metric.add(value, tags ? this.tagSet(JSON.stringify(tags), () => tags) : this.tagSet("", () => ({})));
  }

  startIteration(number: number, numberInScenario: number): void {
    this.iteration = number;
    this.iterationInScenario = numberInScenario;
    if (this.options.noCookiesReset !== true) this.jar = new CookieJar();
    if (this.#group !== "") this.group = "";
    this.loop.reset();
  }
}
