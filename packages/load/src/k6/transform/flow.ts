import { isFlowNode, nativeModule } from "./native-model.ts";
import type { Binding } from "./scopes.ts";
import type { ScriptModule } from "./script-module.ts";
import type { FunctionSyntax } from "./syntax.ts";
import {
  type CallSite,
  FlowNode,
  type NativeFunction,
  type NativeObject,
  type UserFunction,
  type Value,
} from "./values.ts";

/**
 * Which functions may be called where: a flow analysis over all modules of a script, by variables and by the names of
 * properties, without regard to order or to which object a property belongs to. Whatever passes through code that is not
 * analysed (built-in methods, packages) may come out of any other such place. It errs only towards calling more.
 */
export class Flow {
  readonly calls: CallSite[] = [];
  readonly functions: UserFunction[] = [];
  readonly functionOf: Map<FunctionSyntax, UserFunction> = new Map();
  /** The top level of each module. */
  readonly topLevels: Map<ScriptModule, UserFunction> = new Map();
  /** Whether promises, or anything with a `then`, occur at all. */
  usesPromises = false;
  readonly #properties = new Map<string, FlowNode>();
  readonly #bindings = new Map<Binding, FlowNode>();
  readonly #exports = new Map<ScriptModule, Map<string, FlowNode>>();
  readonly #natives = new Map<string, NativeObject>();
  /** Elements of arrays, and properties whose names are computed. */
  readonly #elements = new FlowNode();
  /** What was handed to code that is not analysed, and whatever that may find in the objects handed to it. */
  readonly #outside = new FlowNode();
  readonly #outsideNatives: NativeFunction[] = [];
  /** All functions that are properties of object literals. */
  readonly literalMembers: FlowNode = new FlowNode();

  constructor() {
    this.#elements.flowTo(this.#outside);
    this.#outside.onValue((value) => {
      if (value.type === "native") this.#outsideNatives.push(value);
      if (value.type !== "user") return;
      for (const parameter of value.params) parameter.markAnything();
      value.returns.flowTo(this.#outside);
    });
  }

  property(name: string): FlowNode {
    let node = this.#properties.get(name);
    if (!node) {
      node = new FlowNode();
      this.#properties.set(name, node);
      node.flowTo(this.#outside);
      this.#elements.flowTo(node, false); // a computed name may be this one
    }
    return node;
  }

  /** What is written under one of these names, and not merely under a computed one. */
  readonly #written = new Map<string, FlowNode>();

  writtenAs(name: string): FlowNode {
    const node = this.#written.get(name) ?? new FlowNode();
    this.#written.set(name, node);
    return node;
  }

  get elements(): FlowNode {
    return this.#elements;
  }

  get outside(): FlowNode {
    return this.#outside;
  }

  binding(binding: Binding): FlowNode {
    const node = this.#bindings.get(binding) ?? new FlowNode();
    this.#bindings.set(binding, node);
    return node;
  }

  exported(module: ScriptModule, name: string): FlowNode {
    const names = this.#exports.get(module) ?? new Map<string, FlowNode>();
    this.#exports.set(module, names);
    const node = names.get(name) ?? new FlowNode();
    names.set(name, node);
    return node;
  }

  namespace(module: ScriptModule): NativeObject {
    const key = `script:${module.file}`;
    const known = this.#natives.get(key);
    if (known) return known;
    const made: NativeObject = {
      type: "object",
      name: module.shownName,
      read: (member) => this.exported(module, member),
      all: () => (this.#exports.get(module) ?? new Map<string, FlowNode>()).values(),
    };
    this.#natives.set(key, made);
    return made;
  }

  native(name: string): NativeObject {
    const made = this.#natives.get(name) ?? nativeModule(name);
    this.#natives.set(name, made);
    return made;
  }

  /** Reads a property by name, of anything. */
  read(from: FlowNode, name: string): FlowNode {
    const result = new FlowNode();
    this.property(name).flowTo(result);
    const readMember = (value: Value): void => {
      if (value.type === "object") pour(value.read(name), result);
    };
    from.onValue(readMember);
    from.onAnything(() => this.#outside.onValue(readMember));
    return result;
  }

  /** Reads a member of nothing but modules. */
  readExport(from: FlowNode, name: string): FlowNode {
    const result = new FlowNode();
    from.onValue((value) => {
      if (value.type === "object") pour(value.read(name), result);
    });
    return result;
  }

  /** A value of which nothing is known. */
  anything(): FlowNode {
    const result = new FlowNode();
    result.markAnything();
    return result;
  }

  /** Of all that code beyond the analysis may call: whether something waits. As of the current round of deciding. */
  outsideBecomesAsync = false;
  outsideStartsWaiting = false;

  /** @returns true when it learnt something */
  learnOutside(): boolean {
    const { outsideBecomesAsync, outsideStartsWaiting } = this;
    for (const f of this.#outside.functions()) {
      if (f.becomesAsync && !f.isGenerator) this.outsideBecomesAsync = true;
      if (f.startsWaiting) this.outsideStartsWaiting = true;
    }
    return outsideBecomesAsync !== this.outsideBecomesAsync || outsideStartsWaiting !== this.outsideStartsWaiting;
  }

  /** The natives that a value beyond the analysis may be. */
  *natives(node: FlowNode): Generator<NativeFunction> {
    for (const value of node.values) if (value.type === "native") yield value;
    if (!node.isAnything) return;
    for (const value of this.#outsideNatives) yield value;
  }

  readComputed(from: FlowNode): FlowNode {
    const result = this.anything();
    from.onValue((value) => {
      if (value.type === "object") for (const member of value.all()) pour(member, result);
    });
    return result;
  }
}

function pour(value: Value | FlowNode | undefined, into: FlowNode): void {
  if (!value) return;
  if (isFlowNode(value)) value.flowTo(into);
  else into.add(value);
}
