import { k6Errors } from "../errors.ts";
import type { VirtualUser } from "../../engine/virtual-user.ts";
import type { Metric, MetricDefinition, MetricRecorder, TagSet, Tags } from "../../metrics/recorder.ts";
import type { K6Options } from "../options/options.ts";
import { CookieJar } from "../../http/cookie-jar.ts";
import { TagBase } from "./tag-base.ts";
import type { TimerFunctions } from "./timer-functions.ts";
import { EventLoop } from "./event-loop.ts";
import type { ThreadShare } from "./thread-share.ts";
import type { K6Host } from "./host.ts";

export type Phase = "init" | "setup" | "iteration" | "teardown" | "summary";

const maxTagSets = 20_000;
const maxBases = 256;

/** What the users of one thread share about recording. */
class RecorderCache {
  readonly metrics = new Map<string, Metric>();
  readonly bases = new Map<string, TagBase>();
  /** By the tags of users, which those of one scenario share, and by the options that say which tags there are. */
  readonly #byGroup = new WeakMap<Tags, WeakMap<K6Options, Map<string, TagBase>>>();

  basesOf(tags: Tags | undefined, options: K6Options): Map<string, TagBase> {
    if (!tags) return new Map();
    const ofTags = this.#byGroup.get(tags) ?? new WeakMap<K6Options, Map<string, TagBase>>();
    this.#byGroup.set(tags, ofTags);
    const known = ofTags.get(options) ?? new Map<string, TagBase>();
    ofTags.set(options, known);
    return known;
  }
}
const caches = new WeakMap<MetricRecorder, RecorderCache>();

function cacheOf(recorder: MetricRecorder): RecorderCache {
  const cache = caches.get(recorder) ?? new RecorderCache();
  caches.set(recorder, cache);
  return cache;
}

const noBase = new TagBase({});

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
  #jar: CookieJar | undefined;
  /** Of this user, once something asked for them. */
  timers: TimerFunctions | undefined;
  iteration = 0;
  iterationInScenario = 0;
  /** Options in the script's own words, for `exec.test.options`. */
  givenOptions: Readonly<Record<string, unknown>> = {};
  /** `Math.random` of this user once `randomSeed` was called. */
  random: (() => number) | undefined;
  readonly #cache: RecorderCache | undefined;
  #stopped = false;
  #group = "";
  #userTags: Readonly<Record<string, string>> = {};
  #base: TagBase = noBase;
  /** By group, for the tags that the user has now; of all users who have set none of their own, together. */
  #bases: Map<string, TagBase>;

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
    const shares = !this.asksFor("vu") && !this.asksFor("iter");
    this.#bases = (shares ? this.#cache?.basesOf(user?.tags, options) : undefined) ?? new Map();
    this.#rebase();
  }

  /** Of this iteration; made when it is first asked for. */
  get jar(): CookieJar {
    return (this.#jar ??= new CookieJar());
  }

  /** The jar, where there is anything in it. */
  get cookies(): CookieJar | undefined {
    return this.#jar && this.#jar.size > 0 ? this.#jar : undefined;
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
    this.#bases = new Map();
    this.#rebase();
  }

  /** Tags of whatever is recorded now. */
  get baseTags(): Tags {
    return this.#base.tags;
  }

  /** The same object for the same tags, within a thread. */
  get base(): TagBase {
    return this.#base;
  }

  /** Hot: twice for each group. */
  #rebase(): void {
    const known = this.#bases.get(this.#group);
    if (known) this.#base = known;
    else {
      if (this.#bases.size >= maxBases) this.#bases.clear();
      this.#base = this.#makeBase();
      this.#bases.set(this.#group, this.#base);
    }
  }

  #makeBase(): TagBase {
    const { user } = this;
    const tags: Record<string, string> = { ...user?.tags };
    if (user && this.has("scenario")) tags["scenario"] = user.scenario;
    if (this.has("group")) tags["group"] = this.#group;
    if (user && this.asksFor("vu")) tags["vu"] = String(user.id);
    if (user && this.phase === "iteration" && this.asksFor("iter")) tags["iter"] = String(this.iteration);
    Object.assign(tags, this.#userTags);
    const bases = this.#cache?.bases;
    if (!bases) return new TagBase(tags);
    const key = JSON.stringify(tags);
    if (bases.size >= maxTagSets) bases.clear();
    const base = bases.get(key) ?? new TagBase(tags);
    bases.set(key, base);
    return base;
  }

  /** Whether a system tag is wanted. */
  has(tag: string): boolean {
    return this.options.systemTags === undefined || this.options.systemTags.has(tag);
  }

  /** Whether a system tag is wanted that k6 leaves out unless it is named. */
  asksFor(tag: "vu" | "iter" | "ip"): boolean {
    return this.options.systemTags?.has(tag) === true;
  }

  /** The user, for what only a running one can do. */
  running(name: string): VirtualUser {
    if (!this.user || this.phase === "init") {
      throw new Error(`${name} cannot be used at the top level of a script, where k6 only prepares the user`);
    }
    return this.user;
  }

  /**
   * A script whose iteration was cut off goes no further: what it calls throws once, so that it unwinds; where it catches
   * that and goes on, it waits for ever, as nobody waits for it.
   *
   * Hot: before and after whatever blocks.
   */
  stopInterrupted(): Promise<never> | undefined {
    if (this.user?.interrupted !== true) return undefined;
    if (this.#stopped) return new Promise(() => undefined);
    this.#stopped = true;
    throw new Error("the iteration was cut off at the end of the run");
  }

  /** Hot: once a sample. */
  metric(definition: MetricDefinition): Metric | undefined {
    if (!this.#cache || !this.user || this.user.interrupted === true) return undefined;
    let metric = this.#cache.metrics.get(definition.name);
    if (!metric || metric.kind !== definition.kind) {
      metric = this.user.recorder.metric(definition);
      this.#cache.metrics.set(definition.name, metric);
    }
    return metric;
  }

  /** Hot: the base tags and some more; `key` is equal for equal ones, and `make` is asked only for new ones. */
  tagSet(key: string, make: () => Tags): TagSet {
    const base = this.#base;
    const known = base.sets.get(key);
    if (known !== undefined) return known;
    if (base.sets.size >= maxTagSets) base.sets.clear();
    const made = this.#intern({ ...base.tags, ...make() });
    base.sets.set(key, made);
    return made;
  }

  /** Hot: the base tags alone. */
  ownTagSet(): TagSet {
    return (this.#base.own ??= this.#intern(this.#base.tags));
  }

  #intern(tags: Tags): TagSet {
    if (!this.user) throw k6Errors.create("K6_CALL_INVALID", "Nothing is recorded at the top level of a script.");
    return this.user.recorder.tagSet(tags);
  }

  /** Records with the base tags and those of a call. */
  record(definition: MetricDefinition, value: number, tags?: Tags): void {
    const metric = this.metric(definition);
    if (!metric) return;
    metric.add(value, tags ? this.tagSet(JSON.stringify(tags), () => tags) : this.ownTagSet());
  }

  startIteration(number: number, numberInScenario: number): void {
    this.iteration = number;
    this.iterationInScenario = numberInScenario;
    if (this.#jar && this.options.noCookiesReset !== true) this.#jar = undefined;
    if (this.asksFor("iter")) this.#bases = new Map();
    if (this.#group !== "" || this.asksFor("iter")) this.group = "";
    this.loop.reset();
  }
}
