import type { LoadOutput } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";

export function openOutputs(_context: CommandContext): readonly LoadOutput[] {
  return [];
}
