import type { ServiceLoadParameters, TestType } from "@mettle/suites";
import type { LoadSource } from "@mettle/load";
import type { Profile } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { pairs } from "./pairs.ts";

const PREFIX = "service:";

/** Whether a target names a load test of an agent service: `service:auth_performance`. */
export const isServiceTarget = (named: string): boolean => named.startsWith(PREFIX);

/**
 * What `--env` and the environment say of a service's load test: API_BASE_URL, TEST_TYPE, TEST_USERNAME, TEST_PASSWORD,
 * TEST_USERS, REGION.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`, `SERVICE_SCENARIO_UNKNOWN`
 */
export async function serviceTarget(named: string, context: CommandContext): Promise<LoadSource> {
  // The whole catalogue and the agent runtime: a quarter of a CPU second that no other load test should pay.
  const { serviceScenario, serviceSource } = await import("@mettle/suites");
  const { id } = serviceScenario(named.slice(PREFIX.length));
  const env: Readonly<Record<string, string | undefined>> = { ...context.env, ...pairs(context, "env") };
  const text = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const baseUrl = text("API_BASE_URL");
  if (baseUrl === undefined) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `${named} needs to know where the service is.`, {
      details: { target: named },
      next: `Say it: mettle load ${named} --env API_BASE_URL=http://127.0.0.1:8080 --profile smoke.`,
    });
  }
  const users = text("TEST_USERS");
  const credentials = {
    username: text("TEST_USERNAME"),
    password: text("TEST_PASSWORD"),
    users: users && Number(users),
  };
  const profile = context.flags.text("profile") as Profile | undefined;
  const testType = text("TEST_TYPE") as TestType | undefined;
  const region = text("REGION");
  const parameters: ServiceLoadParameters = {
    scenario: id,
    baseUrl,
    credentials: Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined)),
    ...(profile && { profile }),
    ...(testType && { testType }),
    ...(region !== undefined && { region }),
  };
  return serviceSource(parameters);
}
