import type { CommandSpec, FlagSpec } from "./command-spec.ts";
import { commandTable, flagsOf, globalFlags } from "./command-table.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A completion script, made from the command table. */
export const completionScript = (shell: Shell): string => ({ bash, zsh, fish })[shell]();

const names = commandTable.map(({ name }) => name).join(" ");
const flagWords = (flags: readonly FlagSpec[]): string => flags.map(({ name }) => `--${name}`).join(" ");
const firstChoices = (command: CommandSpec): string => (command.arguments[0]?.choices ?? []).join(" ");

/** Flags with fixed values, over all commands: one name means one list everywhere (a test holds us to it). */
export function choiceFlags(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { name, type } of commandTable.flatMap(flagsOf)) if (type.kind === "choice") found.set(name, type.choices);
  return found;
}

const valueFlags = (): string[] => [
  ...new Set(
    commandTable
      .flatMap(flagsOf)
      .flatMap(({ name, type }) => (type.kind === "switch" || type.kind === "optional" ? [] : [`--${name}`])),
  ),
];

function bash(): string {
  const choices = [...choiceFlags()].map(
    ([name, words]) => `    --${name}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$word")); return ;;`,
  );
  const free = valueFlags().filter((flag) => !choiceFlags().has(flag.slice(2)));
  const perCommand = commandTable.map(
    (command) => `    ${command.name}) flags="${flagWords(flagsOf(command))}"; words="${firstChoices(command)}" ;;`,
  );
  return `# mettle completion for bash; load it with: eval "$(mettle completion bash)"
_mettle() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" flags="" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} ${flagWords(globalFlags)}" -- "$word"))
    return
  fi
  case "$previous" in
${choices.join("\n")}
    ${free.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${perCommand.join("\n")}
  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _mettle mettle
`;
}

/** Inside a single-quoted string of zsh or fish, and inside a description between brackets. */
const zshText = (text: string): string => text.replaceAll(/[[\]:\\]/g, "\\$&").replaceAll("'", `'\\''`);
const fishText = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");

function zshFlag({ name, type, help }: FlagSpec): string {
  const value =
    type.kind === "switch" || type.kind === "optional"
      ? ""
      : type.kind === "choice"
        ? `:value:(${type.choices.join(" ")})`
        : `:value:_files`;
  return `'--${name}[${zshText(help)}]${value}'`;
}

function zsh(): string {
  const commands = commandTable.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`);
  const perCommand = commandTable.map((command) => {
    const choices = firstChoices(command);
    const operands = choices ? [`'1:what:(${choices})'`, `'*:file:_files'`] : [`'*:file:_files'`];
    return `    ${command.name}) _arguments ${[...flagsOf(command).map(zshFlag), ...operands].join(" ")} ;;`;
  });
  return `#compdef mettle
# mettle completion for zsh; load it with: eval "$(mettle completion zsh)"
_mettle() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$name" in
${perCommand.join("\n")}
  esac
}
compdef _mettle mettle
`;
}

function fish(): string {
  const commands = commandTable.map(
    ({ name, summary }) => `complete -c mettle -n __fish_use_subcommand -f -a ${name} -d '${fishText(summary)}'`,
  );
  const details = commandTable.flatMap((command) => {
    const condition = `-n '__fish_seen_subcommand_from ${command.name}'`;
    const words = firstChoices(command);
    return [
      ...(words ? [`complete -c mettle ${condition} -f -a '${words}'`] : []),
      ...flagsOf(command).map(({ name, type, help }) => {
        const value =
          type.kind === "switch" || type.kind === "optional"
            ? ""
            : type.kind === "choice"
              ? ` -x -a '${type.choices.join(" ")}'`
              : " -r";
        return `complete -c mettle ${condition} -l ${name}${value} -d '${fishText(help)}'`;
      }),
    ];
  });
  return `# mettle completion for fish; load it with: mettle completion fish | source\n${[...commands, ...details].join("\n")}\n`;
}
