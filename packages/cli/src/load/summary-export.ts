import type { Run } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
export async function exportSummary(_file: string, _run: Run, _context: CommandContext): Promise<void> {}
