import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "@mettle/core";
import { parse, type Program } from "acorn";
import { noteFileRead } from "../../engine/file-reads.ts";
import { k6Errors } from "../errors.ts";
import { decideWaiting } from "./blocking.ts";
import { Flow } from "./flow.ts";
import { ModuleFlow } from "./module-flow.ts";
import { exportNamesOf, isRequire, moduleExportName } from "./module-syntax.ts";
import { type Refusal, refusalError } from "./refusal.ts";
import { type RewrittenModule, rewriteModule } from "./rewrite.ts";
import type { ImportTarget, ScriptModule } from "./script-module.ts";
import { type Names, resolveNames } from "./scopes.ts";
import { childrenOf, LineIndex, parentsOf, type Syntax } from "./syntax.ts";
import { withoutTypes } from "./typescript.ts";
import { type WholeUse, wholeUseOf } from "./whole-use.ts";

/** A module that Mettle provides, or the reason why it cannot. */
export type Provided = { readonly exports: ReadonlySet<string> } | { readonly refused: string };

export interface LoadOptions {
  /** What stands for a specifier of k6 or a URL; undefined for one that is unknown. The name is what a script imports. */
  readonly provide: (specifier: string) => { readonly name: string; readonly module: Provided } | undefined;
  /** Folder with copies of modules that scripts import by URL, as `HOST/PATH`. */
  readonly urlCopies?: string;
  /** Where shown file names start. @defaultValue the working folder */
  readonly base?: string;
}

/** A script and all its own modules, ready to be evaluated once for each virtual user. */
export interface TransformedProgram {
  readonly main: ScriptModule;
  readonly modules: readonly ScriptModule[];
  readonly rewritten: ReadonlyMap<ScriptModule, RewrittenModule>;
  readonly wholeUse: WholeUse;
}

/**
 * Reads a script with everything that it imports, and rewrites it so that blocking calls wait.
 *
 * @throws MettleError `K6_SCRIPT_UNREADABLE`, `K6_SYNTAX`, `K6_MODULE_NOT_FOUND`, or `K6_REFUSED` with every place that
 * cannot be run as k6 would
 */
export function transformScript(file: string, options: LoadOptions): TransformedProgram {
  const loader = new Loader(options);
  const main = loader.load(resolve(file));
  const modules = loader.modules;
  const refusals = [...loader.refusals, ...linkProblems(modules, options)];
  const flow = new Flow();
  for (const module of modules) new ModuleFlow(flow, module).run();
  refusals.push(...decideWaiting(flow));
  if (refusals.length > 0) throw refusalError(refusals);
  return {
    main,
    modules,
    rewritten: new Map(modules.map((module) => [module, rewriteModule(module, flow)])),
    wholeUse: wholeUseOf(modules),
  };
}

class Loader {
  readonly modules: ScriptModule[] = [];
  readonly refusals: Refusal[] = [];
  readonly #byFile = new Map<string, ScriptModule>();
  readonly #options: LoadOptions;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  load(file: string): ScriptModule {
    const known = this.#byFile.get(file);
    if (known) return known;
    const shownName = shorter(relative(this.#options.base ?? process.cwd(), file), file);
    const source = sourceOf(file, shownName);
    const { program, names, format } = parseModule(source, shownName);
    const module: ScriptModule = {
      file,
      shownName,
      index: this.modules.length,
      source,
      format,
      program,
      names,
      parents: parentsOf(program),
      lines: new LineIndex(source),
      imports: new Map(),
    };
    this.#byFile.set(file, module);
    this.modules.push(module);
    for (const { specifier, at } of importsOf(module)) {
      const target = module.imports.get(specifier) ?? this.#target(specifier, module, at);
      if (target) module.imports.set(specifier, target);
    }
    return module;
  }

  #target(specifier: string, from: ScriptModule, at: Syntax): ImportTarget | undefined {
    const local = this.#localFile(specifier, from);
    if (local !== undefined) {
      if (!existsSync(local)) throw notFound(from, at, `there is no file ${local}`, specifier);
      return { kind: "script", module: this.load(local) };
    }
    const provided = this.#options.provide(specifier);
    if (provided && "refused" in provided.module) {
      this.refusals.push({ file: from.shownName, ...from.lines.position(at.start), reason: provided.module.refused });
      return { kind: "native", name: provided.name };
    }
    if (provided) return { kind: "native", name: provided.name };
    if (/^https?:/.test(specifier)) {
      throw notFound(
        from,
        at,
        `modules are not fetched; put a copy at ${this.#copyOf(specifier) ?? "HOST/PATH below the --jslib folder"}`,
        specifier,
      );
    }
    return { kind: "node", specifier };
  }

  /** A file of the script's own, or a copy of what a URL names. */
  #localFile(specifier: string, from: ScriptModule): string | undefined {
    if (/^\.{0,2}\//.test(specifier)) return resolve(dirname(from.file), specifier);
    if (specifier.startsWith("file:")) return fileURLToPath(specifier);
    const copy = this.#copyOf(specifier);
    return copy !== undefined && existsSync(copy) ? copy : undefined;
  }

  #copyOf(specifier: string): string | undefined {
    if (this.#options.urlCopies === undefined || !/^https?:/.test(specifier)) return undefined;
    const { host, pathname } = new URL(specifier);
    return join(this.#options.urlCopies, host, pathname);
  }
}

const shorter = (a: string, b: string): string => (a !== "" && a.length < b.length ? a : b);

function notFound(from: ScriptModule, at: Syntax, reason: string, specifier: string): Error {
  const { line, column } = from.lines.position(at.start);
  const place = `${from.shownName}:${line}:${column}`;
  return k6Errors.create("K6_MODULE_NOT_FOUND", `${place}: cannot import "${specifier}": ${reason}.`, {
    details: { file: from.shownName, line, column, specifier },
  });
}

const typeScriptExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".cts"]);

function sourceOf(file: string, shownName: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
    noteFileRead(file);
  } catch (error) {
    throw k6Errors.create("K6_SCRIPT_UNREADABLE", `Cannot read ${shownName}: ${messageOf(error)}.`, { cause: error });
  }
  // A byte order mark would count as a column.
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  return typeScriptExtensions.has(extname(file)) ? withoutTypes(source, shownName) : source;
}

interface Parsed {
  readonly program: Program;
  readonly names: Names;
  readonly format: "esm" | "cjs";
}

const commonJsNames: ReadonlySet<string> = new Set(["module", "exports"]);

function parseModule(source: string, shownName: string): Parsed {
  let program: Program;
  try {
    program = parse(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  } catch (error) {
    const script = parseCommonJs(source);
    if (script) return script;
    throw syntaxError(error, shownName);
  }
  const isModule = program.body.some(({ type }) => type.startsWith("Import") || type.startsWith("Export"));
  const names = resolveNames(program);
  if (!isModule && names.globals.some(({ name }) => commonJsNames.has(name))) {
    const script = parseCommonJs(source);
    if (script) return script;
  }
  return { program, names, format: "esm" };
}

/** Sloppy code of a CommonJS module, such as one built for older tools; undefined where it is not that either. */
function parseCommonJs(source: string): Parsed | undefined {
  let program: Program;
  try {
    program = parse(source, {
      ecmaVersion: "latest",
      sourceType: "script",
      allowHashBang: true,
      allowReturnOutsideFunction: true,
    });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const names = resolveNames(program);
  const isCommonJs = names.globals.some(({ name }) => commonJsNames.has(name) || name === "require");
  return isCommonJs ? { program, names, format: "cjs" } : undefined;
}

function syntaxError(error: unknown, shownName: string): Error {
  const { loc } = error as { loc?: { line: number; column: number } };
  const place = loc ? `${shownName}:${loc.line}:${loc.column + 1}` : shownName;
  const message = messageOf(error).replace(/ \(\d+:\d+\)$/, "");
  return k6Errors.create("K6_SYNTAX", `${place}: ${message}.`, {
    cause: error,
    details: { file: shownName, ...(loc && { line: loc.line, column: loc.column + 1 }) },
  });
}

interface FoundImport {
  readonly specifier: string;
  readonly at: Syntax;
}

/** Every module that a module names by a fixed text, in the order of the source. */
function importsOf(module: ScriptModule): FoundImport[] {
  const found: FoundImport[] = [];
  const visit = (node: Syntax): void => {
    const source = importSource(node, module);
    if (source?.type === "Literal" && typeof source.value === "string") {
      found.push({ specifier: source.value, at: node });
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(module.program);
  return found;
}

function importSource(node: Syntax, module: ScriptModule): Syntax | null | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "ImportExpression":
      return node.source;
    case "CallExpression":
      return isRequire(node, module) ? node.arguments[0] : undefined;
    default:
      return undefined;
  }
}

/** Names that are imported from where they are not exported. */
function linkProblems(modules: readonly ScriptModule[], options: LoadOptions): Refusal[] {
  return modules.flatMap((module) =>
    module.program.body.flatMap((node): Refusal[] => {
      if (node.type !== "ImportDeclaration") return [];
      const specifier = String(node.source.value);
      const exported = exportsOf(module.imports.get(specifier), options);
      if (!exported) return [];
      return node.specifiers.flatMap((item) => {
        if (item.type === "ImportNamespaceSpecifier") return [];
        const name = item.type === "ImportDefaultSpecifier" ? "default" : moduleExportName(item.imported);
        if (exported.has(name)) return [];
        return [
          {
            file: module.shownName,
            ...module.lines.position(item.start),
            reason: `"${specifier}" has no export named ${name}`,
          },
        ];
      });
    }),
  );
}

function exportsOf(target: ImportTarget | undefined, { provide }: LoadOptions): ReadonlySet<string> | undefined {
  if (target?.kind === "script")
    return target.module.format === "esm" ? exportNamesOf(target.module, new Set()) : undefined;
  if (target?.kind !== "native") return undefined;
  const provided = provide(target.name);
  return provided && "exports" in provided.module ? new Set([...provided.module.exports, "default"]) : undefined;
}
