import { ms } from "@mettle/core";
import { suitesErrors } from "../../errors.ts";
import { nthUser } from "../surface.ts";
import type { CheckContext } from "./check.ts";

/** Twenty a second: enough for a percentile 95 in ten seconds, and nothing beside the load. */
const lookEvery = ms(50);
const looked = 100;

/**
 * Looks at executions, one after the other, for as long as a load goes on: whoever waits for an answer is told it and reads
 * nothing, so that nothing else would say how soon an execution is found under load.
 *
 * @throws MettleError `SCENARIO_FAILED` where one cannot be looked at
 */
export async function lookMeanwhile(
  { subject, clock }: Pick<CheckContext, "subject" | "clock">,
  over: AbortSignal,
): Promise<void> {
  const { client, credentials } = subject;
  const token = await client.logIn(nthUser(credentials.username, 1), nthUser(credentials.password, 1));
  const { body } = await client.call("GET", `/agents/executions?limit=${looked}`, { token });
  const ids = idsOf(body["executions"]);
  for (let i = 0; ids.length > 0 && !over.aborted; i++) {
    const id = ids[i % ids.length] ?? "";
    const { status } = await client.call("GET", `/agents/executions/${id}`, { token });
    if (status !== 200) {
      throw suitesErrors.create("SCENARIO_FAILED", `An execution could not be looked at: status ${status}.`, {
        details: { status },
      });
    }
    await clock.sleep(lookEvery, over).catch(() => undefined);
  }
}

/** None where there are none yet, and of a service that lists them otherwise. */
function idsOf(executions: unknown): readonly string[] {
  if (!Array.isArray(executions)) return [];
  return executions.flatMap((each: unknown) => {
    const id = typeof each === "object" && each !== null && "execution_id" in each ? each.execution_id : undefined;
    return typeof id === "string" ? [id] : [];
  });
}
