import type { ArgumentSpec, CommandSpec, FlagSpec } from "./command-spec.ts";
import { commandTable, environmentName, generalFlagsOf, globalFlags } from "./command-table.ts";

/** What `mettle --help` prints. */
export function generalHelp(): string {
  return lines([
    "Mettle measures, compares and judges the speed and memory of TypeScript and JavaScript.",
    "",
    "Usage: mettle COMMAND [arguments] [flags]",
    "",
    ...table(commandTable.map(({ name, summary }) => [name, summary])),
    "",
    "Flags of every command:",
    ...table(globalFlags.map(flagRow)),
    "",
    "Example: mettle bench --profile smoke",
    "Exit codes: 0 pass, 1 internal error, 2 usage or configuration, 3 objective or threshold missed,",
    "            4 regression, 5 invalid or inconclusive measurement, 130 interrupted.",
  ]);
}

/** What `mettle COMMAND --help` prints. */
export function commandHelp(command: CommandSpec): string {
  const usage = ["mettle", command.name, ...command.arguments.map(argumentText), "[flags]"].join(" ");
  return lines([
    `mettle ${command.name}: ${command.summary}`,
    "",
    `Usage: ${usage}`,
    "",
    ...(command.notes ? [...command.notes, ""] : []),
    ...(command.flags.length > 0 ? ["Flags:", ...table(command.flags.map(flagRow)), ""] : []),
    "Flags of every command:",
    ...table(generalFlagsOf(command).map(flagRow)),
    "",
    `Example${command.examples.length > 1 ? "s" : ""}:`,
    ...command.examples.map((example) => `  ${example}`),
  ]);
}

const lines = (texts: readonly string[]): string => `${texts.join("\n")}\n`;

function argumentText({ name, required, variadic, choices }: ArgumentSpec): string {
  const text = `${choices?.join("|") ?? name}${variadic ? "…" : ""}`;
  return required ? text : `[${text}]`;
}

function flagRow(flag: FlagSpec): [string, string] {
  const { name, short, type, help, environment } = flag;
  const value =
    type.kind === "switch"
      ? ""
      : type.kind === "optional"
        ? `[=${"choices" in type ? type.choices.join("|") : type.placeholder}]`
        : type.kind === "choice"
          ? ` ${type.choices.join("|")}`
          : ` ${type.placeholder}`;
  return [
    `${short ? `-${short}, ` : ""}--${name}${value}`,
    `${help}${environment ? ` [${environmentName(flag)}]` : ""}`,
  ];
}

/** Wider first columns put their text on a line of its own. */
const COLUMN = 28;

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(COLUMN, Math.max(...rows.map(([first]) => first.length)));
  return rows.flatMap(([first, second]) =>
    first.length > width
      ? [`  ${first}`, `  ${" ".repeat(width)}  ${second}`]
      : [`  ${first.padEnd(width)}  ${second}`],
  );
}
