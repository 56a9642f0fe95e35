import { resolve } from "node:path";
import { format, inspect } from "node:util";
import { MettleError, messageOf } from "@mettle/core";
import type { Iteration, PreparedUser, VirtualUser, Workload } from "../engine/virtual-user.ts";
import type { MetricDefinition } from "../metrics/recorder.ts";
import { k6Errors } from "./errors.ts";
import { makeModule, provide } from "./modules/registry.ts";
import { timerFunctions } from "./modules/timers.ts";
import type { K6Options } from "./options/options.ts";
import { type GivenOptions, type OptionSources, type ResolvedK6Options, resolveOptions } from "./options/resolve.ts";
import {
  CompiledProgram,
  evaluateProgram,
  type Namespace,
  type ScriptGlobal,
  type UserEnvironment,
} from "./runtime/evaluate.ts";
import { consoleHost, type K6Host, type LogLevel } from "./runtime/host.ts";
import { lazyMembers } from "./runtime/lazy-members.ts";
import { withMappedStack } from "./runtime/stack.ts";
import { ThreadShare } from "./runtime/thread-share.ts";
import { UserContext } from "./runtime/user-context.ts";
import { unbox } from "./runtime/waiting.ts";
import type { SummaryData } from "./summary/summary-data.ts";
import { transformScript } from "./transform/program.ts";
import type { ScriptModule } from "./transform/script-module.ts";

export interface LoadK6Options {
  /** What scripts read as `__ENV`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly host?: K6Host;
  /** Folder with copies of modules that scripts import by URL, as `HOST/PATH`. */
  readonly urlCopies?: string;
  /** Where file names in messages start. @defaultValue the working folder */
  readonly base?: string;
  /** Options of higher and lower precedence than the script's own. */
  readonly sources?: Omit<OptionSources, "script">;
  readonly noSetup?: boolean;
  readonly noTeardown?: boolean;
  /** As `--secret-source` gives them. */
  readonly secretSources?: readonly string[];
  /** How long the top level of a module may run. @defaultValue 60 000 ms */
  readonly initTimeoutMs?: number;
}

/** A k6 script, ready to be run by the engine. */
export interface K6Script {
  readonly options: K6Options;
  /** Options that have no effect here, in words. */
  readonly notes: readonly string[];
  /** What the script defines beyond k6's own metrics. */
  readonly metrics: readonly MetricDefinition[];
  readonly workload: Workload;
  /** The script's own rendering: texts by `stdout`, `stderr` or a file's path. Absent where it exports none. */
  readonly handleSummary?: (data: SummaryData) => Promise<Readonly<Record<string, string | ArrayBuffer>>>;
}

type Exported = (...args: unknown[]) => unknown;

/**
 * Reads, checks and compiles a k6 script, evaluates its top level once to learn its options, and gives the workload.
 *
 * @throws MettleError `K6_SCRIPT_UNREADABLE`, `K6_SYNTAX`, `K6_MODULE_NOT_FOUND`, `K6_REFUSED`, `K6_INIT_FAILED`,
 * `K6_OPTIONS_INVALID`
 */
export async function loadK6Script(file: string, given: LoadK6Options = {}): Promise<K6Script> {
  const thread = new K6Thread(file, given);
  return thread.load();
}

const defaultInitTimeoutMs = 60_000;
const noOptions = resolveOptions({}).options;

/** One script on one thread: compiled once, evaluated for each user. */
class K6Thread {
  readonly #file: string;
  readonly #given: LoadK6Options;
  readonly #host: K6Host;
  readonly #share: ThreadShare;
  readonly #environment: Readonly<Record<string, string>>;
  /** By scenario; all its users read one. */
  readonly #environments = new Map<string, Readonly<Record<string, string>>>();
  #seeds = false;
  #compiled: CompiledProgram | undefined;
  #resolved: ResolvedK6Options | undefined;

  constructor(file: string, given: LoadK6Options) {
    this.#file = resolve(file);
    this.#given = given;
    this.#share = new ThreadShare(this.#file, given.secretSources);
    this.#host = given.host ?? consoleHost;
    this.#environment = given.environment ?? {};
  }

  get #program(): CompiledProgram {
    if (!this.#compiled) throw new Error("the script is not compiled yet");
    return this.#compiled;
  }

  get #options(): K6Options {
    return this.#resolved?.options ?? noOptions;
  }

  async load(): Promise<K6Script> {
    const { urlCopies, base } = this.#given;
    const probe = (): UserContext => this.#context();
    const program = transformScript(this.#file, {
      provide: (specifier) => provide(specifier, probe),
      ...(urlCopies !== undefined && { urlCopies }),
      ...(base !== undefined && { base }),
    });
    this.#compiled = await CompiledProgram.compile(program);
    this.#seeds = program.modules.some(({ source }) => source.includes("randomSeed"));
    const context = this.#context();
    const exports = await this.#evaluate(context, this.#given.initTimeoutMs ?? defaultInitTimeoutMs);
    this.#resolved = resolveOptions({ ...this.#given.sources, script: scriptOptions(exports["options"]) });
    const { options, notes } = this.#resolved;
    this.#checkFunctions(exports);
    const handleSummary = exports["handleSummary"];
    return {
      options,
      notes,
      metrics: [...this.#share.definitions.values()],
      workload: this.#workload(exports),
      ...(typeof handleSummary === "function" && { handleSummary: (data) => this.#handleSummary(data) }),
    };
  }

  #context(user?: VirtualUser): UserContext {
    const context = new UserContext(this.#host, this.#share, this.#options, this.#environmentOf(user), user);
    context.givenOptions = this.#resolved?.given ?? {};
    return context;
  }

  #environmentOf(user: VirtualUser | undefined): Readonly<Record<string, string>> {
    const key = user?.scenario ?? "";
    const known = this.#environments.get(key);
    if (known) return known;
    const scenario = this.#options.scenarios.find(({ name }) => name === user?.scenario);
    const made = Object.freeze({ ...this.#environment, ...user?.environment, ...scenario?.env });
    this.#environments.set(key, made);
    return made;
  }

  /** Every function that a scenario repeats has to be there before anything starts. */
  #checkFunctions(exports: Namespace): void {
    const missing = this.#options.scenarios.filter(({ exec }) => typeof exports[exec] !== "function");
    if (missing.length === 0) return;
    const problems = missing.map(({ name, exec }) =>
      exec === "default" && name === "default"
        ? "the script exports no default function"
        : `scenario ${name}: the script exports no function ${exec}`,
    );
    throw k6Errors.create("K6_OPTIONS_INVALID", `${problems.join("; ")}.`, { details: { problems } });
  }

  async #evaluate(context: UserContext, limitMs?: number): Promise<Namespace> {
    const { wholeUse } = this.#program.program;
    const made: Record<string, Namespace> = Object.create(null) as Record<string, Namespace>;
    const environment: UserEnvironment = {
      loop: context.loop,
      global: (name, module) => this.#global(name, module, context),
      native: (name) => (made[name] ??= makeModule(name, context, wholeUse.natives.has(name))),
      iteration: () => context.iteration,
      ...(limitMs !== undefined && { limitMs }),
    };
    try {
      return await evaluateProgram(this.#program, environment);
    } catch (error) {
      const mapped = withMappedStack(error, this.#program.program);
      if (mapped instanceof MettleError) throw mapped;
      throw k6Errors.create(
        "K6_INIT_FAILED",
        `The top level of ${this.#program.program.main.shownName} threw: ${describe(mapped)}`,
        { cause: mapped },
      );
    }
  }

  #global(name: ScriptGlobal, module: ScriptModule, context: UserContext): unknown {
    switch (name) {
      case "open":
        return (path: unknown, mode?: unknown) => this.#open(context, String(path), mode, module);
      case "__ENV":
        return this.#program.program.wholeUse.environment ? { ...context.environment } : context.environment;
      case "__VU":
        return context.id;
      case "console":
        return new ScriptConsole(context);
      case "setTimeout":
      case "clearTimeout":
      case "setInterval":
      case "clearInterval":
        return timerFunctions(context)[name];
      case "setImmediate":
      case "queueMicrotask":
        return undefined;
      case "Math":
        // Most scripts never seed, and a `Math` for each user costs memory.
        return this.#seeds ? seededMath(context) : Math;
    }
  }

  #open(context: UserContext, path: string, mode: unknown, module: ScriptModule): string | ArrayBuffer {
    if (context.phase !== "init") throw new Error("open() can only be used at the top level of the script");
    const full = this.#share.path(path, module.file.slice(0, module.file.lastIndexOf("/")) || "/");
    if (mode !== "b") return this.#share.text(full);
    const bytes = this.#share.bytes(full);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  // ---- what the engine calls

  #workload(exports: Namespace): Workload {
    const { noSetup, noTeardown } = this.#given;
    return {
      prepare: (user, setupData) => this.#prepare(user, setupData),
      ...(typeof exports["setup"] === "function" && noSetup !== true && { setup: (user) => this.#setup(user) }),
      ...(typeof exports["teardown"] === "function" &&
        noTeardown !== true && {
          teardown: (user, data) => this.#stage(user, "teardown", [copyOf(data)]).then(() => undefined),
        }),
    };
  }

  async #setup(user: VirtualUser): Promise<unknown> {
    return copyOf(await this.#stage(user, "setup", []));
  }

  async #stage(user: VirtualUser, name: "setup" | "teardown", args: unknown[]): Promise<unknown> {
    const context = this.#context(user);
    const exports = await this.#evaluate(context);
    context.phase = name;
    context.group = `::${name}`;
    const limitMs = name === "setup" ? this.#options.setupTimeoutMs : this.#options.teardownTimeoutMs;
    try {
      return await within(limitMs, name, () => callExported(context, exports[name] as Exported, args));
    } catch (error) {
      const mapped = withMappedStack(error, this.#program.program);
      if (mapped instanceof MettleError && mapped.code === "K6_ABORTED") throw mapped;
      throw k6Errors.create("K6_STAGE_FAILED", `${name}() threw: ${describe(mapped)}`, { cause: mapped });
    } finally {
      context.loop.reset();
    }
  }

  async #prepare(user: VirtualUser, setupData: unknown): Promise<PreparedUser> {
    const context = this.#context(user);
    const exports = await this.#evaluate(context);
    const scenario = this.#options.scenarios.find(({ name }) => name === user.scenario);
    const exec = exports[scenario?.exec ?? "default"];
    if (typeof exec !== "function") {
      throw k6Errors.create("K6_OPTIONS_INVALID", `The script exports no function ${scenario?.exec ?? "default"}.`);
    }
    context.phase = "iteration";
    const data = setupData === undefined ? undefined : deepCopier(setupData);
    return {
      run: (iteration) => this.#iterate(context, exec as Exported, iteration, data),
      close: () => context.loop.reset(),
    };
  }

  /** Hot: once an iteration. */
  async #iterate(
    context: UserContext,
    exec: Exported,
    iteration: Iteration,
    data: (() => unknown) | undefined,
  ): Promise<void> {
    const { minIterationDurationMs, noVUConnectionReuse } = this.#options;
    const startedAt = minIterationDurationMs === undefined ? 0 : performance.now();
    context.startIteration(iteration.number, iteration.numberInScenario);
    try {
      await callExported(context, exec, data ? [data()] : []);
      if (minIterationDurationMs !== undefined) await rest(context, startedAt + minIterationDurationMs);
    } catch (error) {
      context.loop.reset();
      throw withMappedStack(error, this.#program.program);
    } finally {
      if (noVUConnectionReuse === true) context.user?.http.closeIdle();
    }
  }

  async #handleSummary(data: SummaryData): Promise<Record<string, string | ArrayBuffer>> {
    const context = this.#context();
    const exports = await this.#evaluate(context);
    context.phase = "summary";
    try {
      const result = await callExported(context, exports["handleSummary"] as Exported, [structuredClone(data)]);
      if (typeof result !== "object" || result === null) return {};
      return result as Record<string, string | ArrayBuffer>;
    } catch (error) {
      const mapped = withMappedStack(error, this.#program.program);
      throw k6Errors.create("K6_STAGE_FAILED", `handleSummary() threw: ${describe(mapped)}`, { cause: mapped });
    }
  }
}

function scriptOptions(exported: unknown): GivenOptions {
  if (exported === undefined || exported === null) return {};
  if (typeof exported === "object" && !Array.isArray(exported)) return exported as GivenOptions;
  const problems = [`options must be an object, got ${JSON.stringify(exported)}`];
  throw k6Errors.create("K6_OPTIONS_INVALID", `Options of the script: ${problems.join("; ")}.`, {
    details: { problems },
  });
}

/** Calls an exported function and waits for it, for a promise that it returns, and for its timers and sockets. */
async function callExported(context: UserContext, exported: Exported, args: unknown[]): Promise<unknown> {
  let result = unbox(await exported(...args));
  if (result instanceof Promise) result = (await result) as unknown;
  context.loop.check("the end of the iteration");
  if (!context.loop.isQuiet) await context.loop.drain(context.user?.signal);
  return result;
}

async function within<T>(limitMs: number, name: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}() took longer than its timeout of ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Setup data travels as JSON, so that every user has a copy and what JSON cannot hold is gone for all alike. */
function copyOf(data: unknown): unknown {
  if (data === undefined) return undefined;
  const text = JSON.stringify(data) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** k6 gives each iteration the same object of its user; so do we. */
function deepCopier(data: unknown): () => unknown {
  const copy = copyOf(data);
  return () => copy;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : messageOf(thrown);
}

const consoleLevels: Readonly<Record<string, LogLevel>> = {
  log: "info",
  info: "info",
  debug: "debug",
  warn: "warning",
  error: "error",
  trace: "debug",
};

function logger(level: LogLevel, method: string): (context: UserContext) => (...values: unknown[]) => void {
  return (context) =>
    (...values) => {
      context.loop.check(`console.${method}`);
      const texts = values.map((value) =>
        typeof value === "object" && value !== null && !(value instanceof Error) ? jsonOf(value) : value,
      );
      const line = format(
        ...texts.map((text, i) => (i === 0 && typeof text === "string" ? text.replaceAll("%", "%%") : text)),
      );
      context.host.log(level, context.share.secrets.redact(line));
    };
}

/** What JSON cannot hold is shown as Node shows it: logging must not fail an iteration. */
function jsonOf(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) return inspect(value);
    throw error;
  }
}

const ScriptConsole = lazyMembers<UserContext>(
  Object.fromEntries(Object.entries(consoleLevels).map(([method, level]) => [method, logger(level, method)])),
);

/** `Math` with the user's own `random`, as `randomSeed` sets it. */
function seededMath(context: UserContext): typeof Math {
  const members = Object.getOwnPropertyDescriptors(Math);
  const random = (): number => context.random?.() ?? Math.random();
  return Object.create(null, { ...members, random: { ...members.random, value: random } }) as typeof Math;
}

/** A timer counts from the start of its turn of the event loop, so it may ring before its time: hence the loop. */
async function rest(context: UserContext, untilMs: number): Promise<void> {
  for (let left = untilMs - performance.now(); left > 0 && context.user; left = untilMs - performance.now()) {
    await context.user.sleep(Math.ceil(left));
  }
}
