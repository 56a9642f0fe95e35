import { type LoadOutput, openOutput } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { isOutput } from "../config/settings.ts";

/**
 * What `--out` names beside the folder.
 *
 * @throws MettleError `LOAD_OUTPUT_INVALID`
 */
export function openOutputs({ flags, cwd }: CommandContext, service: string): readonly LoadOutput[] {
  return flags
    .all("out")
    .filter(isOutput)
    .map((text) => openOutput(text, cwd, service));
}
