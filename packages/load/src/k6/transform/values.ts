import type { CallExpression, NewExpression, TaggedTemplateExpression } from "acorn";
import type { FunctionSyntax, Syntax } from "./syntax.ts";
import type { ScriptModule } from "./script-module.ts";

/** What the analysis follows through a program: the functions it may call, and the parts of k6 that matter for waiting. */
export type Value = UserFunction | NativeFunction | NativeObject;

export type FunctionKind = "plain" | "getter" | "setter" | "constructor" | "initializer" | "module";

/** A function of the script; the top level of a module and the initialisers of a class count as one each. */
export class UserFunction {
  readonly type = "user";
  readonly module: ScriptModule;
  readonly kind: FunctionKind;
  /** Absent for a module, for initialisers and for a class without a constructor. */
  readonly syntax: FunctionSyntax | undefined;
  readonly params: FlowNode[] = [];
  readonly returns: FlowNode = new FlowNode();
  /** Makes a call that waits: becomes async where it was not. */
  waits = false;
  /** Returns a promise of its own (as written), and waits before it does. */
  startsWaiting = false;

  constructor(module: ScriptModule, kind: FunctionKind, syntax?: FunctionSyntax) {
    this.module = module;
    this.kind = kind;
    this.syntax = syntax;
  }

  get isAsync(): boolean {
    return this.syntax?.async ?? false;
  }

  get isGenerator(): boolean {
    return this.syntax?.generator ?? false;
  }

  /** Not async as written, but has to be: its callers have to wait for it. */
  get becomesAsync(): boolean {
    return this.waits && !this.isAsync;
  }
}

export interface NativeFunction {
  readonly type: "native";
  /** As a person would write it, for messages. */
  readonly name: string;
  /** k6 returns from it only when the work is done. */
  readonly blocks: boolean;
  /** What it returns, or makes when called with `new`. */
  readonly returns?: () => Value;
  /** Whether it calls the functions it is given before it returns, or later as an event of its own. */
  readonly callbacks?: "during" | "later";
  /** What callbacks are given. */
  readonly callbackArgument?: () => Value;
}

export interface NativeObject {
  readonly type: "object";
  readonly name: string;
  read(member: string): Value | FlowNode | undefined;
  /** Every member, for computed access. */
  all(): Iterable<Value | FlowNode>;
}

/**
 * A place that values flow through: a variable, a property name, an expression, a parameter, a result. Values that only
 * may have come this way, through code that is not analysed, are told apart: they may be called, but nobody said so.
 */
export class FlowNode {
  /** Of what can hold no function. */
  static readonly nothing: FlowNode = new FlowNode();
  /** Whether the value's way here is known all along. */
  readonly #values = new Map<Value, boolean>();
  readonly #next = new Map<FlowNode, boolean>();
  readonly #listeners: ((value: Value, known: boolean) => void)[] = [];
  #anything = false;
  readonly #anythingListeners: (() => void)[] = [];

  /** Whatever was handed to code that is not analysed may be here too. One bit instead of all those values. */
  get isAnything(): boolean {
    return this.#anything;
  }

  markAnything(): void {
    if (this === FlowNode.nothing || this.#anything) return;
    this.#anything = true;
    for (const listener of this.#anythingListeners) listener();
    for (const node of this.#next.keys()) node.markAnything();
  }

  /** Once, when it turns out so or at once. */
  onAnything(listener: () => void): void {
    if (this === FlowNode.nothing) return;
    if (this.#anything) listener();
    else this.#anythingListeners.push(listener);
  }

  get values(): Iterable<Value> {
    return this.#values.keys();
  }

  add(value: Value, known = true): void {
    if (this === FlowNode.nothing) return;
    const before = this.#values.get(value);
    if (before === true || before === known) return;
    this.#values.set(value, known);
    // Listeners may add listeners and edges. A new listener is told of all values as it comes; a new edge, once more, of one.
    const listeners = before === undefined ? this.#listeners.length : 0;
    for (let i = 0; i < listeners; i++) this.#listeners[i]?.(value, known);
    for (const [node, edgeKnown] of this.#next) node.add(value, known && edgeKnown);
  }

  flowTo(node: FlowNode, known = true): void {
    if (this === FlowNode.nothing || node === this) return;
    const before = this.#next.get(node);
    if (before === true || before === known) return;
    this.#next.set(node, known);
    if (this.#anything) node.markAnything();
    for (const [value, valueKnown] of this.#values) node.add(value, known && valueKnown);
  }

  /** For every value, those here already included; once each. */
  onValue(listener: (value: Value, known: boolean) => void): void {
    if (this === FlowNode.nothing) return;
    this.#listeners.push(listener);
    // Values that come meanwhile are told by `add`.
    for (const [value, known] of Array.from(this.#values)) listener(value, known);
  }

  *functions(): Generator<UserFunction> {
    for (const value of this.#values.keys()) if (value.type === "user") yield value;
  }

  /** Those whose way here is known. */
  *knownFunctions(): Generator<UserFunction> {
    for (const [value, known] of this.#values) if (known && value.type === "user") yield value;
  }
}

export type CallSyntax = CallExpression | NewExpression | TaggedTemplateExpression;

/** How a call is written in the result. */
type CallMode =
  /** As it was. */
  | "plain"
  /** `await` before it. */
  | "await"
  /** Through the runtime, which knows how this native function calls functions that wait. */
  | "dispatch";

export interface CallSite {
  readonly module: ScriptModule;
  readonly syntax: CallSyntax;
  readonly caller: UserFunction;
  readonly callee: FlowNode;
  /** What `f` may be in `f.call(…)` and `f.apply(…)`. */
  readonly applied: FlowNode | undefined;
  readonly argumentValues: readonly FlowNode[];
  /** Of object literals among the arguments: what their properties may be. */
  readonly literalValues: readonly { readonly at: Syntax; readonly node: FlowNode }[];
  /** Name of the method in `object.method(…)`. */
  readonly method: string | undefined;
  /** The callee is nothing but functions of the script or of k6. */
  readonly known: boolean;
  mode: CallMode;
}
