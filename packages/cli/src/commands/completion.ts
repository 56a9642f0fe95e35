import { exitCodes } from "@mettle/core";
import type { CommandContext } from "../command-context.ts";
import { completionScript, shells } from "../command-line/completion.ts";

/** `mettle completion bash|zsh|fish`. */
export function run({ positionals, stdout }: CommandContext): Promise<number> {
  const shell = shells.find((each) => each === positionals[0]);
  if (!shell) throw new Error(`no completion for ${positionals[0] ?? "no shell"}: the command table let it through`);
  stdout.write(completionScript(shell));
  return Promise.resolve(exitCodes.pass);
}
