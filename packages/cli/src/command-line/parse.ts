import { parseArgs } from "node:util";
import { cliErrors } from "../errors.ts";
import type { CommandSpec, FlagSpec, FlagType } from "./command-spec.ts";
import { commandNamed, commandTable, environmentName, flagsOf } from "./command-table.ts";
import { Flags, type FlagValue } from "./flags.ts";
import { didYouMean } from "./suggest.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type Invocation =
  | { readonly kind: "help"; readonly command?: CommandSpec }
  | { readonly kind: "version" }
  | {
      readonly kind: "run";
      readonly command: CommandSpec;
      readonly positionals: readonly string[];
      readonly flags: Flags;
    };

/**
 * Reads a command line by the command table. A flag that is not given is looked for in the environment.
 *
 * @param args - without node and the program
 * @throws MettleError `USAGE_…`
 */
export function parseCommandLine(args: readonly string[], environment: Environment): Invocation {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h") return { kind: "help" };
  if (name === "--version") return { kind: "version" };
  if (name === "help") return helpFor(rest[0]);
  const command = commandNamed(name);
  if (!command) throw unknownCommand(name);
  const { given, positionals } = readTokens(command, rest);
  if (given.has("help")) return { kind: "help", command };
  if (given.has("version")) return { kind: "version" };
  checkPositionals(command, positionals);
  addEnvironment(command, given, environment);
  return { kind: "run", command, positionals, flags: new Flags(command, given) };
}

function helpFor(name: string | undefined): Invocation {
  if (name === undefined) return { kind: "help" };
  const command = commandNamed(name);
  if (!command) throw unknownCommand(name);
  return { kind: "help", command };
}

function unknownCommand(name: string): Error {
  const names = commandTable.map((each) => each.name);
  if (name.startsWith("-")) {
    return cliErrors.create("USAGE_FLAG_UNKNOWN", `${name} stands where a command is expected.`, {
      details: { name },
      next: "Write the command first: mettle bench --profile smoke.",
    });
  }
  return cliErrors.create(
    "USAGE_COMMAND_UNKNOWN",
    `There is no command ${JSON.stringify(name)}.${didYouMean(name, names, "mettle ")}`,
    { details: { name, known: names } },
  );
}

interface Tokens {
  readonly given: Map<string, FlagValue>;
  readonly positionals: string[];
}

function readTokens(command: CommandSpec, args: readonly string[]): Tokens {
  const flags = flagsOf(command);
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const { tokens } = parseArgs({
    args: [...args],
    // Checked here instead: with suggestions, and all by one table.
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      flags.map(({ name, short, type }) => [
        name,
        {
          type: type.kind === "switch" || type.kind === "optional" ? ("boolean" as const) : ("string" as const),
          ...(short && { short }),
        },
      ]),
    ),
  });
  const given = new Map<string, FlagValue>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const flag = byName.get(token.name);
    if (!flag) throw unknownFlag(command, token.rawName, token.name);
    addValue(given, flag, token.rawName, token.value, token.inlineValue ?? false);
  }
  return { given, positionals };
}

function unknownFlag(command: CommandSpec, written: string, name: string): Error {
  const names = flagsOf(command).map((flag) => flag.name);
  return cliErrors.create(
    "USAGE_FLAG_UNKNOWN",
    `mettle ${command.name} has no flag ${written}.${didYouMean(name, names, "--")}`,
    {
      details: { command: command.name, flag: written, known: names },
      next: `See what there is with: mettle ${command.name} --help.`,
    },
  );
}

function addValue(
  given: Map<string, FlagValue>,
  flag: FlagSpec,
  written: string,
  value: string | undefined,
  inline: boolean,
): void {
  if (flag.type.kind === "switch") {
    if (value !== undefined) throw invalid(written, "takes no value");
    given.set(flag.name, true);
    return;
  }
  if (flag.type.kind === "optional") {
    if (value !== undefined && "choices" in flag.type && !flag.type.choices.includes(value))
      throw invalid(written, `takes nothing, or one of ${flag.type.choices.join(", ")}, got ${JSON.stringify(value)}`);
    given.set(flag.name, value ?? "");
    return;
  }
  if (value === undefined) throw invalid(written, `needs a value: ${usageOf(flag)}`);
  // "--save --quiet" is a forgotten value far more often than a baseline named --quiet.
  if (!inline && value.length > 1 && value.startsWith("-") && Number.isNaN(Number(value))) {
    throw invalid(written, `needs a value, and ${value} looks like a flag; write ${written}=${value} if it is meant`);
  }
  setValue(given, flag, written, value);
}

function setValue(given: Map<string, FlagValue>, flag: FlagSpec, written: string, value: string): void {
  const read = readValue(flag, written, value);
  const before = given.get(flag.name);
  given.set(flag.name, Array.isArray(read) && Array.isArray(before) ? [...before, ...read] : read);
}

function readValue({ type }: FlagSpec, written: string, value: string): FlagValue {
  switch (type.kind) {
    case "switch":
      return true;
    case "number":
      return readNumber(type, written, value);
    case "fraction":
      return readFraction(type.placeholder, written, value);
    case "optional":
      return value;
    case "choice":
      if (type.choices.includes(value)) return value;
      throw invalid(
        written,
        `must be one of ${type.choices.join(", ")}, got ${JSON.stringify(value)}.${didYouMean(value, type.choices)}`,
      );
    case "text":
      break;
  }
  if (value === "") throw invalid(written, "must not be empty");
  if (type.repeatable === "whole") return [value];
  return type.repeatable ? value.split(/\s+/).filter(Boolean) : value;
}

function readNumber(type: FlagType & { kind: "number" }, written: string, value: string): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  const fits = type.integer ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (fits && (type.above === undefined || number > type.above)) return number;
  const bound = type.above === undefined ? "" : ` above ${type.above}`;
  throw invalid(written, `must be a ${type.integer ? "whole " : ""}number${bound}, got ${JSON.stringify(value)}`);
}

function readFraction(example: string, written: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(value.trim());
  const fraction = Number(match?.[1] ?? Number.NaN) / (match?.[2] === "%" ? 100 : 1);
  if (fraction >= 0 && fraction < 1) return fraction;
  throw invalid(written, `must be a share below 100 %, such as ${example}, got ${JSON.stringify(value)}`);
}

const usageOf = ({ name, type }: FlagSpec): string =>
  type.kind === "choice"
    ? `--${name} ${type.choices.join("|")}`
    : `--${name} ${"placeholder" in type ? type.placeholder : ""}`;

const invalid = (written: string, problem: string): Error =>
  cliErrors.create(
    "USAGE_VALUE_INVALID",
    `${written} ${problem.replace(/[.?]$/, "")}${problem.endsWith("?") ? "?" : "."}`,
    {
      details: { flag: written, problem },
    },
  );

/** Flags come before the environment, the environment before the configuration file. */
function addEnvironment(command: CommandSpec, given: Map<string, FlagValue>, environment: Environment): void {
  for (const flag of flagsOf(command)) {
    const name = environmentName(flag);
    const value = environment[name];
    if (!flag.environment || given.has(flag.name) || value === undefined || value === "") continue;
    if (flag.type.kind !== "switch") setValue(given, flag, name, value);
    else if (!["0", "false", "no"].includes(value.toLowerCase())) given.set(flag.name, true);
  }
}

function checkPositionals(command: CommandSpec, positionals: readonly string[]): void {
  command.arguments.forEach(({ name, required, choices }, index) => {
    const value = positionals[index];
    const usage = { next: `For example: ${command.examples[0] ?? ""}. See: mettle ${command.name} --help.` };
    if (required && value === undefined) {
      const what = choices ? `one of ${choices.join(", ")}` : name;
      throw cliErrors.create("USAGE_ARGUMENT_MISSING", `mettle ${command.name} needs ${what}.`, {
        details: { argument: name },
        ...usage,
      });
    }
    if (value !== undefined && choices && !choices.includes(value)) {
      throw cliErrors.create(
        "USAGE_VALUE_INVALID",
        `mettle ${command.name} takes one of ${choices.join(", ")}, got ${JSON.stringify(value)}.${didYouMean(value, choices)}`,
        { details: { argument: name, known: choices }, ...usage },
      );
    }
  });
  const surplus = positionals[command.arguments.length];
  if (surplus !== undefined && !command.arguments.some(({ variadic }) => variadic)) {
    throw cliErrors.create(
      "USAGE_ARGUMENT_SURPLUS",
      `mettle ${command.name} does not take ${JSON.stringify(surplus)}.`,
      {
        details: { argument: surplus },
        next: `See what it takes with: mettle ${command.name} --help.`,
      },
    );
  }
}

/** Whether a command line asks for JSON, as far as a broken one shows it: an error must know how to be written. */
export const asksForJson = (args: readonly string[]): boolean => args.includes("--json");
