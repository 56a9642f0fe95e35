import type { CallExpression, Identifier, ImportDeclaration } from "acorn";
import { isWaitedFor, startsWaiting } from "./blocking.ts";
import { Edits, PositionMap } from "./edits.ts";
import type { Flow } from "./flow.ts";
import { declaredNames, memberName, moduleExportName, unwrap } from "./module-syntax.ts";
import type { ScriptModule } from "./script-module.ts";
import { childrenOf, findToken, type FunctionSyntax, isFunction, type Syntax } from "./syntax.ts";
import type { CallSite } from "./values.ts";

/** The name under which a module finds the runtime. */
export const runtimeName = "__mettle";
const defaultName = "__mettleDefault";
const restName = "__mettleRest";

/** A module as a function body that returns the function which evaluates it, once for each virtual user. */
export interface RewrittenModule {
  readonly code: string;
  readonly positions: PositionMap;
  /** Its top level waits, for a blocking call or an `await` of its own. */
  readonly isAsync: boolean;
}

/** Writes a module again so that what blocks in k6 waits here. Every line stays where it is. */
export function rewriteModule(module: ScriptModule, flow: Flow): RewrittenModule {
  return new Rewriter(module, flow).run();
}

interface Wrap {
  readonly start: number;
  readonly end: number;
  readonly open: string;
  readonly close: string;
}

class Rewriter {
  readonly #module: ScriptModule;
  readonly #flow: Flow;
  readonly #edits: Edits;
  readonly #wraps: Wrap[] = [];
  /** Places where the result has a parenthesis that the source had not. */
  readonly #opened = new Set<number>();
  readonly #namespaces = new Map<string, string>();

  constructor(module: ScriptModule, flow: Flow) {
    this.#module = module;
    this.#flow = flow;
    this.#edits = new Edits(module.source);
  }

  run(): RewrittenModule {
    const { program, source } = this.#module;
    if (source.startsWith("#!")) this.#edits.replace(0, 2, "//");
    const prefix = this.#links();
    this.#references();
    const functions = this.#flow.functions.filter(({ module }) => module === this.#module);
    for (const f of functions) if (f.becomesAsync && f.syntax) this.#makeAsync(f.syntax);
    for (const call of this.#flow.calls) if (call.module === this.#module && call.mode !== "plain") this.#call(call);
    for (const f of functions) if (f.waits && f.syntax) this.#moveDefaults(f.syntax);
    const ownAwait = this.#awaits(program);
    const isAsync = ownAwait || this.#flow.topLevels.get(this.#module)?.waits === true;
    this.#applyWraps();
    this.#guardStatements(program);
    const strict = this.#module.format === "esm" ? '"use strict";' : "";
    this.#edits.prefix(`${strict}return ${isAsync ? "async " : ""}()=>{${prefix}`);
    const { code, map } = this.#edits.apply();
    return { code: `${code}\n}`, positions: new PositionMap(code, source, map), isAsync };
  }

  #namespace(specifier: string): string {
    const name = this.#namespaces.get(specifier) ?? `${runtimeName}${this.#namespaces.size}`;
    this.#namespaces.set(specifier, name);
    return name;
  }

  // ---- imports and exports

  /** Takes imports and exports out of the source; returns the text that stands for them at the start. */
  #links(): string {
    const getters: string[] = [];
    const locals: string[] = [];
    const all: string[] = [];
    const getter = (name: string, value: string): void => void getters.push(`${JSON.stringify(name)}:()=>${value}`);
    for (const node of this.#module.program.body) {
      switch (node.type) {
        case "ImportDeclaration":
          locals.push(...this.#importLocals(node));
          this.#edits.replace(node.start, node.end, ";");
          break;
        case "ExportAllDeclaration": {
          const namespace = this.#namespace(String(node.source.value));
          if (node.exported) getter(moduleExportName(node.exported), namespace);
          else all.push(`${runtimeName}.exportAll(${namespace});`);
          this.#edits.replace(node.start, node.end, ";");
          break;
        }
        case "ExportNamedDeclaration":
          for (const { local, exported } of node.specifiers) {
            const from = node.source
              ? `${this.#namespace(String(node.source.value))}[${JSON.stringify(moduleExportName(local))}]`
              : undefined;
            getter(moduleExportName(exported), from ?? this.#readName(local as Identifier));
          }
          if (node.declaration) {
            for (const { name } of declaredNames(node.declaration)) getter(name, name);
            this.#edits.replace(node.start, node.declaration.start, "");
          } else {
            this.#edits.replace(node.start, node.end, ";");
          }
          break;
        case "ExportDefaultDeclaration":
          getter("default", this.#exportDefault(node.start, node.declaration));
          break;
        default:
      }
    }
    const namespaces = [...this.#namespaces].map(
      ([specifier, name]) => `const ${name}=${runtimeName}.namespace(${JSON.stringify(specifier)});`,
    );
    const exported = getters.length === 0 ? "" : `${runtimeName}.export({${getters.join(",")}});`;
    return [exported, ...namespaces, ...all, ...locals].join("");
  }

  #exportDefault(start: number, declaration: Syntax): string {
    const keyword = findToken(this.#module.source, start, "default") + "default".length;
    if (declaration.type !== "FunctionDeclaration" && declaration.type !== "ClassDeclaration") {
      this.#edits.replace(start, keyword, `const ${defaultName}=`);
      return defaultName;
    }
    this.#edits.replace(start, keyword, "");
    if (declaration.id) return declaration.id.name;
    const head = declaration.type === "ClassDeclaration" ? "class" : "function";
    let at = findToken(this.#module.source, declaration.start, head) + head.length;
    if (declaration.type === "FunctionDeclaration" && declaration.generator)
      at = findToken(this.#module.source, at, "*") + 1;
    this.#edits.close(at, ` ${defaultName}`);
    return defaultName;
  }

  /** Constants for what is imported, where it cannot change after it was evaluated. */
  #importLocals(node: ImportDeclaration): string[] {
    const specifier = String(node.source.value);
    const namespace = this.#namespace(specifier);
    return node.specifiers.flatMap((item) => {
      if (item.type === "ImportNamespaceSpecifier") return [`const ${item.local.name}=${namespace};`];
      if (this.#isLive(specifier)) return [];
      const imported = item.type === "ImportDefaultSpecifier" ? "default" : moduleExportName(item.imported);
      return [`const ${item.local.name}=${namespace}[${JSON.stringify(imported)}];`];
    });
  }

  /** Bindings of the script's own modules may change, or be read before they are set where modules import each other. */
  #isLive(specifier: string): boolean {
    const target = this.#module.imports.get(specifier);
    return target?.kind === "script" && target.module.format === "esm";
  }

  /** How a name is read: itself, or through the module that it is imported from. */
  #readName(identifier: Identifier): string {
    const binding = this.#module.names.bindings.get(identifier);
    const specifier = binding?.kind === "import" ? this.#module.parents.get(binding.declaration) : undefined;
    const declaration = specifier && this.#module.parents.get(specifier);
    if (declaration?.type !== "ImportDeclaration" || specifier?.type === "ImportNamespaceSpecifier")
      return identifier.name;
    const from = String(declaration.source.value);
    if (!this.#isLive(from)) return identifier.name;
    const imported = specifier?.type === "ImportSpecifier" ? moduleExportName(specifier.imported) : "default";
    return `${this.#namespace(from)}[${JSON.stringify(imported)}]`;
  }

  #references(): void {
    const { names, parents } = this.#module;
    for (const [identifier, binding] of names.bindings) {
      if (binding.kind !== "import" || identifier === binding.declaration) continue;
      const read = this.#readName(identifier);
      const parent = parents.get(identifier);
      if (read !== identifier.name && parent?.type !== "ExportSpecifier") this.#replaceName(identifier, read, parent);
    }
    for (const identifier of names.globals) {
      if (identifier.name === "__ITER")
        this.#replaceName(identifier, `${runtimeName}.iteration`, parents.get(identifier));
    }
  }

  #replaceName(identifier: Identifier, read: string, parent: Syntax | undefined): void {
    const called =
      (parent?.type === "CallExpression" && parent.callee === identifier) ||
      (parent?.type === "TaggedTemplateExpression" && parent.tag === identifier);
    const shorthand = parent?.type === "Property" && parent.shorthand;
    // As a call it keeps `this` undefined, as for any function called by its name.
    if (called) this.#opened.add(identifier.start);
    const text = called ? `(0,${read})` : shorthand ? `${identifier.name}:${read}` : read;
    this.#edits.replace(identifier.start, identifier.end, text);
  }

  // ---- functions

  #makeAsync(syntax: FunctionSyntax): void {
    const { source, parents } = this.#module;
    const parent = parents.get(syntax);
    const isMethod =
      (parent?.type === "MethodDefinition" || (parent?.type === "Property" && parent.method)) &&
      parent.value === syntax;
    if (isMethod) this.#edits.open(parent.computed ? findToken(source, parent.start, "[") : parent.key.start, "async ");
    else this.#edits.open(syntax.start, "async ");
    if (!this.#flow.usesPromises) return;
    // The promise that a function returns as its value must not be mistaken for its own waiting.
    if (syntax.body.type === "BlockStatement") {
      for (const node of returnsOf(syntax.body)) if (node.argument) this.#box(node.argument);
    } else {
      this.#box(syntax.body);
    }
  }

  #box(node: Syntax): void {
    const [open, close] = node.type === "SequenceExpression" ? ["((", "))"] : ["(", ")"];
    this.#wraps.push({ start: node.start, end: node.end, open: `${runtimeName}.box${open}`, close });
  }

  /** Parameters from the first default that waits on are taken as a rest and unpacked in the body, where waiting can be. */
  #moveDefaults(syntax: FunctionSyntax): void {
    const { source } = this.#module;
    const from = syntax.params.findIndex((parameter) => this.#waitsWithin(parameter));
    const first = syntax.params[from];
    const last = syntax.params.at(-1);
    if (!first || !last) return;
    const names = this.#module.names.varsOf.get(syntax);
    const isRedeclared = names !== undefined && names.size > 0;
    const arrowText = syntax.type === "ArrowFunctionExpression" ? "=>" : "";
    this.#edits.open(first.start, `...${restName})${arrowText}{${isRedeclared ? "var" : "let"} [`);
    const closing = findToken(source, last.end, ")");
    if (syntax.body.type === "BlockStatement") {
      this.#edits.replace(closing, syntax.body.start + 1, `]=${restName};`);
      return;
    }
    // `(…) => expression`: the arrow moves in front of the body that now has braces.
    const arrow = findToken(source, closing, "=>");
    this.#edits.replace(closing, arrow + 2, `]=${restName};return (`);
    this.#edits.close(syntax.end, ")}");
  }

  #waitsWithin(parameter: Syntax): boolean {
    return this.#flow.calls.some(
      ({ module, syntax, mode }) =>
        module === this.#module &&
        mode !== "plain" &&
        syntax.start >= parameter.start &&
        syntax.end <= parameter.end &&
        this.#nearestFunction(syntax) === this.#nearestFunction(parameter),
    );
  }

  #nearestFunction(node: Syntax): Syntax | undefined {
    let at = this.#module.parents.get(node);
    while (at && !isFunction(at)) at = this.#module.parents.get(at);
    return at;
  }

  // ---- calls

  #call(call: CallSite): void {
    const { syntax, mode } = call;
    const [open, close] = this.#flow.usesPromises ? [`${runtimeName}.unbox(await `, ")"] : ["(await ", ")"];
    if (!this.#flow.usesPromises) this.#opened.add(syntax.start);
    if (mode === "dispatch" && syntax.type === "CallExpression") {
      this.#wraps.push({
        start: syntax.start,
        end: syntax.end,
        open: open + this.#dispatch(syntax),
        close: `)${close}`,
      });
    } else {
      this.#wraps.push({ start: syntax.start, end: syntax.end, open, close });
    }
  }

  /** Turns `object.name(…)` into the arguments of a call of the runtime; returns how that call begins. */
  #dispatch(syntax: CallExpression): string {
    const { source } = this.#module;
    const callee = unwrap(syntax.callee);
    this.#edits.replace(syntax.end - 1, syntax.end, "]");
    if (callee.type !== "MemberExpression") {
      const paren = findToken(source, syntax.callee.end, "(");
      this.#edits.replace(paren, paren + 1, ",[");
      return `${runtimeName}.call(`;
    }
    const paren = findToken(source, syntax.callee.end, "(");
    const helper = callee.optional ? "methodIfAny" : "method";
    if (callee.computed) {
      const bracket = findToken(source, callee.object.end, callee.optional ? "?." : "[");
      this.#edits.replace(bracket, callee.property.start, ",");
      this.#edits.replace(callee.property.end, paren + 1, ",[");
    } else {
      const dot = findToken(source, callee.object.end, callee.optional ? "?." : ".");
      this.#edits.replace(dot, paren + 1, `,${JSON.stringify(memberName(callee))},[`);
    }
    return `${runtimeName}.${helper}(`;
  }

  /** Marks the script's own awaits, so that work left unawaited by mistake is noticed; true for one at the top level. */
  #awaits(program: Syntax): boolean {
    const waited = new Set<Syntax>();
    for (const call of this.#flow.calls) {
      if (call.module === this.#module && isWaitedFor(call) && startsWaiting(call, this.#flow)) waited.add(call.syntax);
    }
    let topLevel = false;
    const visit = (node: Syntax, inFunction: boolean): void => {
      if (node.type === "AwaitExpression") {
        if (!inFunction) topLevel = true;
        if (!waited.has(unwrap(node.argument))) {
          const { start, end } = node.argument;
          this.#wraps.push({ start, end, open: `${runtimeName}.idle(`, close: ")" });
        }
      }
      if (node.type === "ForOfStatement" && node.await && !inFunction) topLevel = true;
      if (node.type === "ImportExpression") {
        this.#edits.replace(node.start, node.start + "import".length, `${runtimeName}.import`);
      }
      if (node.type === "MetaProperty" && node.meta.name === "import") {
        this.#edits.replace(node.start, node.end, `${runtimeName}.meta`);
      }
      for (const child of childrenOf(node)) visit(child, inFunction || isFunction(node));
    };
    visit(program, false);
    return topLevel;
  }

  #applyWraps(): void {
    const outerFirst = this.#wraps
      .map((wrap, order) => ({ wrap, order }))
      .toSorted((a, b) => a.wrap.start - b.wrap.start || b.wrap.end - a.wrap.end || a.order - b.order);
    for (const { wrap } of outerFirst) {
      this.#edits.open(wrap.start, wrap.open);
      this.#edits.close(wrap.end, wrap.close);
    }
  }

  /** A statement that now begins with a parenthesis must not continue the line before it. */
  #guardStatements(program: Syntax): void {
    const visit = (node: Syntax): void => {
      const list =
        node.type === "Program" || node.type === "BlockStatement" || node.type === "StaticBlock"
          ? node.body
          : node.type === "SwitchCase"
            ? node.consequent
            : [];
      for (const statement of list) {
        if (statement.type === "ExpressionStatement" && this.#opened.has(statement.start)) {
          this.#edits.openFirst(statement.start, ";");
        }
      }
      for (const child of childrenOf(node)) visit(child);
    };
    visit(program);
  }
}

type Return = Extract<Syntax, { type: "ReturnStatement" }>;

/** The returns of a function, not those of functions within it. */
function* returnsOf(node: Syntax): Generator<Return> {
  if (node.type === "ReturnStatement") yield node;
  for (const child of childrenOf(node)) if (!isFunction(child)) yield* returnsOf(child);
}
