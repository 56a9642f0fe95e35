import { colorSupport } from "@mettle/report";
import type { CommandContext } from "../command-context.ts";

/** How text for this command's stdout is laid out. */
export const textOptions = ({ stdout, env }: CommandContext): { readonly color: boolean; readonly width: number } => ({
  color: colorSupport(env, stdout),
  width: stdout.columns ?? 80,
});
