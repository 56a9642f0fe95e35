import { Baselines, type Run } from "@mettle/results";
import { type CommandContext, note, warn } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";

/**
 * Saves a run under a name. An invalid run is not worth comparing with and is not saved; a dirty one is, with a warning.
 *
 * @returns whether it was saved
 * @throws MettleError as `Baselines.save`
 */
export async function saveBaseline(
  name: string,
  run: Run,
  settings: Settings,
  context: CommandContext,
): Promise<boolean> {
  if (run.validity.state === "invalid") {
    warn(context, `Not saved as baseline "${name}": the run is invalid (${run.validity.reasons.join("; ")}).`);
    return false;
  }
  const path = await new Baselines(settings.baselines).save(name, run);
  if (run.revision?.dirty) {
    warn(
      context,
      `Baseline "${name}" holds local changes on top of ${run.revision.commit.slice(0, 7)}: no commit has exactly this code.`,
    );
  }
  if (run.validity.state === "degraded") {
    warn(context, `Baseline "${name}" was measured with trouble: ${run.validity.reasons.join("; ")}.`);
  }
  note(context, `Saved baseline "${name}" in ${path}.`);
  return true;
}
