import type { Flow } from "./flow.ts";
import type { ScriptModule } from "./script-module.ts";
import type { FlowNode, Value } from "./values.ts";

/** How arguments meet parameters: shifted, all of them from a spread on, and whether the callee is surely this one. */
interface Shape {
  readonly offset: number;
  readonly spreadFrom: number;
  readonly sure: boolean;
}

/** What flows through a call: arguments into parameters, results back. */
export class CallFlow {
  readonly #flow: Flow;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** What may be called takes its arguments and gives its result. */
  add(value: Value, args: readonly FlowNode[], { offset, spreadFrom, sure }: Shape, result: FlowNode): void {
    if (value.type === "user") {
      const rest = value.syntax?.params.findIndex(({ type }) => type === "RestElement") ?? -1;
      for (const [i, argument] of args.entries()) {
        const at = i + offset;
        const parameters =
          spreadFrom >= 0 && i >= spreadFrom
            ? value.params.slice(at)
            : [value.params[rest >= 0 && at > rest ? rest : at] ?? this.#flow.elements];
        for (const parameter of parameters) argument.flowTo(parameter, sure);
        if (this.#usesArguments(value.module)) argument.flowTo(this.#flow.elements);
      }
      value.returns.flowTo(result, sure);
    } else if (value.type === "native") {
      if (value.returns) result.add(value.returns());
      if (!value.callbacks) return;
      for (const argument of args) {
        argument.onValue((callback) => {
          if (callback.type !== "user") return;
          const given = value.callbackArgument?.();
          if (given) for (const parameter of callback.params) parameter.add(given);
          callback.returns.flowTo(result);
        });
      }
    }
  }

  readonly #argumentsUse = new Map<ScriptModule, boolean>();

  /** `arguments` of a function is as good as any array, if it is used at all. */
  #usesArguments(module: ScriptModule): boolean {
    const known = this.#argumentsUse.get(module) ?? module.names.globals.some(({ name }) => name === "arguments");
    this.#argumentsUse.set(module, known);
    return known;
  }

  /** Somebody unknown is called: it may do anything with what it is given. */
  addOutside(args: readonly FlowNode[], result: FlowNode): void {
    result.markAnything();
    for (const argument of args) argument.flowTo(this.#flow.outside);
  }
}
