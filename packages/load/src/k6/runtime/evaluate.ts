import { compileFunction, constants } from "node:vm";
import { pathToFileURL } from "node:url";
import { messageOf } from "@mettle/core";
import { k6Errors } from "../errors.ts";
import { quietly } from "../quietly.ts";
import { runtimeName } from "../transform/rewrite.ts";
import type { TransformedProgram } from "../transform/program.ts";
import type { ScriptModule } from "../transform/script-module.ts";
import type { EventLoop } from "./event-loop.ts";
import { box, callWaiting, methodWaiting, unbox } from "./waiting.ts";

export type Namespace = Readonly<Record<string, unknown>>;

/** Names that a script finds without importing them; everything else global is Node's. */
const scriptGlobals = [
  "open",
  "__ENV",
  "__VU",
  "console",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "queueMicrotask",
  "Math",
] as const;

export type ScriptGlobal = (typeof scriptGlobals)[number];

/** Of one virtual user: what its modules are evaluated with. */
export interface UserEnvironment {
  readonly loop: EventLoop;
  /** Asked only for what a module mentions. */
  readonly global: (name: ScriptGlobal, module: ScriptModule) => unknown;
  /** The members of a module of k6, with their `default`. */
  readonly native: (name: string) => Namespace;
  readonly iteration: () => number;
}

type Evaluate = (
  runtime: ModuleRuntime,
  require: unknown,
  module: unknown,
  exports: unknown,
  ...globals: unknown[]
) => () => unknown;

/** A program compiled once for a thread, and evaluated once for each of its virtual users. */
export class CompiledProgram {
  readonly program: TransformedProgram;
  readonly #functions = new Map<ScriptModule, Evaluate>();
  /** Packages and modules of Node, by the module that imports them and the specifier. */
  readonly #loaded = new Map<string, Namespace>();
  /** Of the globals, those that a module mentions. */
  readonly #mentioned = new Map<ScriptModule, ReadonlySet<string>>();

  private constructor(program: TransformedProgram) {
    this.program = program;
    for (const [module, { code }] of program.rewritten) {
      const f = compileFunction(code, [runtimeName, "require", "module", "exports", ...scriptGlobals], {
        filename: module.file,
      });
      this.#functions.set(module, f as unknown as Evaluate);
      this.#mentioned.set(module, new Set(module.names.globals.map(({ name }) => name)));
    }
  }

  /** @throws MettleError `K6_MODULE_NOT_FOUND` for a package that Node cannot load */
  static async compile(program: TransformedProgram): Promise<CompiledProgram> {
    const compiled = new CompiledProgram(program);
    for (const module of program.modules) {
      const load = importerFor(module.file);
      for (const target of module.imports.values()) {
        if (target.kind !== "node") continue;
        try {
          compiled.#loaded.set(`${module.index} ${target.specifier}`, await quietly(() => load(target.specifier)));
        } catch (error) {
          throw k6Errors.create(
            "K6_MODULE_NOT_FOUND",
            `${module.shownName}: cannot import "${target.specifier}": ${messageOf(error)}`,
            { cause: error, details: { file: module.shownName, specifier: target.specifier } },
          );
        }
      }
    }
    return compiled;
  }

  loaded(module: ScriptModule, specifier: string): Namespace {
    return this.#loaded.get(`${module.index} ${specifier}`) as Namespace;
  }

  evaluator(module: ScriptModule): Evaluate {
    return this.#functions.get(module) as Evaluate;
  }

  mentions(module: ScriptModule, name: ScriptGlobal): boolean {
    return this.#mentioned.get(module)?.has(name) ?? false;
  }

  isAsync(module: ScriptModule): boolean {
    return this.program.rewritten.get(module)?.isAsync ?? false;
  }
}

/** `import()` as it would be written in a file, so that packages are found from there. */
function importerFor(file: string): (specifier: string) => Promise<Namespace> {
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return quietly(() =>
    compileFunction("return import(specifier)", ["specifier"], { filename: file, importModuleDynamically }),
  ) as (specifier: string) => Promise<Namespace>;
}

/** Evaluates a program for one virtual user and gives what its main module exports. */
export async function evaluateProgram(compiled: CompiledProgram, user: UserEnvironment): Promise<Namespace> {
  const instance = new ProgramInstance(compiled, user);
  return instance.run(compiled.program.main);
}

class ProgramInstance {
  readonly compiled: CompiledProgram;
  readonly user: UserEnvironment;
  /** By index of the module. */
  readonly #modules: (ModuleInstance | undefined)[] = [];

  constructor(compiled: CompiledProgram, user: UserEnvironment) {
    this.compiled = compiled;
    this.user = user;
  }

  async run(main: ScriptModule): Promise<Namespace> {
    const module = this.instance(main);
    await module.evaluate();
    return module.exported();
  }

  instance(module: ScriptModule): ModuleInstance {
    return (this.#modules[module.index] ??= new ModuleInstance(module, this));
  }
}

class ModuleInstance {
  readonly module: ScriptModule;
  readonly program: ProgramInstance;
  readonly exports: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  /** What `module` is in CommonJS. */
  readonly common: { exports: unknown } = { exports: {} };
  #state: "new" | "evaluating" | "evaluated" = "new";

  constructor(module: ScriptModule, program: ProgramInstance) {
    this.module = module;
    this.program = program;
  }

  /** Imported modules first, in the order of the source, as the language does it. */
  async evaluate(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "evaluating";
    if (this.module.format === "esm") {
      for (const target of this.module.imports.values()) {
        if (target.kind === "script") await this.program.instance(target.module).evaluate();
      }
    }
    const result = this.#body();
    if (this.program.compiled.isAsync(this.module)) await result;
    this.#state = "evaluated";
  }

  /** A CommonJS module is evaluated when it is first required. */
  require(specifier: string): unknown {
    const target = this.module.imports.get(specifier);
    if (target?.kind !== "script") return this.#outside(specifier, true);
    const required = this.program.instance(target.module);
    if (target.module.format === "esm") {
      if (required.#state === "new") required.evaluateNow();
      return required.namespace();
    }
    required.evaluateNow();
    return required.common.exports;
  }

  evaluateNow(): void {
    if (this.#state !== "new") return;
    this.#state = "evaluating";
    if (this.program.compiled.isAsync(this.module)) {
      throw k6Errors.create(
        "K6_REFUSED",
        `${this.module.shownName}:1:1: its top level waits, so that \`require\` cannot load it; import it.`,
      );
    }
    for (const target of this.module.format === "esm" ? this.module.imports.values() : []) {
      if (target.kind === "script") this.program.instance(target.module).evaluateNow();
    }
    this.#body();
    this.#state = "evaluated";
  }

  #body(): unknown {
    const { user, compiled } = this.program;
    const require = (specifier: string): unknown => this.require(specifier);
    const evaluate = compiled.evaluator(this.module)(
      new ModuleRuntime(this),
      require,
      this.common,
      this.common.exports,
      ...scriptGlobals.map((name) =>
        compiled.mentions(this.module, name) ? user.global(name, this.module) : undefined,
      ),
    );
    return evaluate();
  }

  /** What k6 looks for functions in: of CommonJS, the exports themselves. */
  exported(): Namespace {
    if (this.module.format === "esm") return this.exports;
    const { exports } = this.common;
    return typeof exports === "function" ? { default: exports } : (exports as Namespace);
  }

  namespace(): Namespace {
    if (this.module.format === "esm") return this.exports;
    return commonNamespace(this.common.exports);
  }

  imported(specifier: string): Namespace {
    const target = this.module.imports.get(specifier);
    if (target?.kind === "script") {
      const instance = this.program.instance(target.module);
      if (target.module.format === "cjs") instance.evaluateNow();
      return instance.namespace();
    }
    return this.#outside(specifier, false) as Namespace;
  }

  #outside(specifier: string, required: boolean): unknown {
    const target = this.module.imports.get(specifier);
    if (target?.kind === "native") {
      const namespace = this.program.user.native(target.name);
      return required ? namespace["default"] : namespace;
    }
    if (target?.kind !== "node") {
      throw k6Errors.create("K6_MODULE_NOT_FOUND", `${this.module.shownName}: nothing was loaded for "${specifier}".`);
    }
    const namespace = this.program.compiled.loaded(this.module, specifier);
    return required ? (namespace["default"] ?? namespace) : namespace;
  }
}

/** What tools that build CommonJS agree on: `__esModule` marks exports that were an ES module once. */
function commonNamespace(exported: unknown): Namespace {
  if (typeof exported !== "object" || exported === null) return { default: exported };
  const members = exported as Record<string, unknown>;
  return { ...members, default: members["__esModule"] ? members["default"] : exported };
}

/** What the rewritten code of a module calls. */
class ModuleRuntime {
  readonly #instance: ModuleInstance;
  readonly #loop: EventLoop;

  constructor(instance: ModuleInstance) {
    this.#instance = instance;
    this.#loop = instance.program.user.loop;
  }

  box(value: unknown): unknown {
    return box(value);
  }

  unbox(value: unknown): unknown {
    return unbox(value);
  }

  call(callee: unknown, args: unknown[]): unknown {
    return callWaiting(callee, args);
  }

  method(object: unknown, name: PropertyKey, args: unknown[]): unknown {
    return methodWaiting(object, name, args);
  }

  methodIfAny(object: unknown, name: PropertyKey, args: unknown[]): unknown {
    return object === null || object === undefined ? undefined : methodWaiting(object, name, args);
  }

  get iteration(): number {
    return this.#instance.program.user.iteration();
  }

  /** Before each `await` of the script's own: nothing that blocks may be under way unnoticed. */
  idle(value: unknown): unknown {
    this.#loop.check("an await");
    return value;
  }

  namespace(specifier: string): Namespace {
    return this.#instance.imported(specifier);
  }

  export(getters: Readonly<Record<string, () => unknown>>): void {
    for (const [name, get] of Object.entries(getters)) {
      Object.defineProperty(this.#instance.exports, name, { get, enumerable: true, configurable: true });
    }
  }

  exportAll(from: Namespace): void {
    // Members that are not made yet are of the class.
    for (const name in from) {
      if (name === "default" || name in this.#instance.exports) continue;
      Object.defineProperty(this.#instance.exports, name, { get: () => from[name], enumerable: true });
    }
  }

  async import(specifier: unknown): Promise<Namespace> {
    const name = String(specifier);
    if (!this.#instance.module.imports.has(name)) {
      throw k6Errors.create("K6_REFUSED", `${this.#instance.module.shownName}: import("${name}") needs a fixed text.`);
    }
    const target = this.#instance.module.imports.get(name);
    if (target?.kind === "script") await this.#instance.program.instance(target.module).evaluate();
    return this.#instance.imported(name);
  }

  get meta(): { url: string; resolve: (specifier: unknown) => string } {
    const { href: url } = pathToFileURL(this.#instance.module.file);
    return { url, resolve: (specifier) => new URL(String(specifier), url).href };
  }
}
