import type { CommandSpec } from "./command-spec.ts";
import { flagsOf } from "./command-table.ts";

export type FlagValue = true | string | number | readonly string[];

/** The flags of one command line, read by name. Asking for one that the command does not have is a defect. */
export class Flags {
  readonly #command: CommandSpec;
  readonly #values: ReadonlyMap<string, FlagValue>;

  constructor(command: CommandSpec, values: ReadonlyMap<string, FlagValue>) {
    this.#command = command;
    this.#values = values;
  }

  /** The same, with values for flags that were not given. */
  withDefaults(values: ReadonlyMap<string, FlagValue>): Flags {
    return new Flags(this.#command, new Map([...values, ...this.#values]));
  }

  /** Whether a switch is on. */
  on(name: string): boolean {
    return this.#value(name, "switch") === true;
  }

  text(name: string): string | undefined {
    return this.#value(name, "text", "choice", "optional") as string | undefined;
  }

  number(name: string): number | undefined {
    return this.#value(name, "number", "fraction") as number | undefined;
  }

  /** The words of a repeatable flag; undefined when it was not given. */
  words(name: string): readonly string[] | undefined {
    return this.#value(name, "text") as readonly string[] | undefined;
  }

  /** Every value of a text flag, in the order given; empty when it was not given. */
  all(name: string): readonly string[] {
    const value = this.#value(name, "text");
    return typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  }

  #value(name: string, ...kinds: readonly string[]): FlagValue | undefined {
    const flag = flagsOf(this.#command).find((each) => each.name === name);
    if (!flag || !kinds.includes(flag.type.kind)) {
      throw new Error(`mettle ${this.#command.name} has no ${kinds.join(" or ")} flag --${name}`);
    }
    return this.#values.get(name);
  }
}
