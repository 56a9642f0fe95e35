import { fileURLToPath } from "node:url";
import type { ServiceUnderTest } from "@mettle/suites";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";

/** The same from sources and from what was built of them. */
const ownCommand = fileURLToPath(new URL("../../bin/mettle.js", import.meta.url));

/**
 * The service that `mettle validate` puts load on: the one at `--base-url`, whose test users the environment names
 * (TEST_USERNAME, TEST_PASSWORD, TEST_USERS), or else one that `mettle serve` starts for it.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`
 */
export function serviceUnderTest({ flags, env }: CommandContext): ServiceUnderTest {
  const baseUrl = flags.text("base-url");
  if (baseUrl === undefined) return { kind: "start", command: [process.execPath, ownCommand, "serve"] };
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `--base-url needs an http address, got ${JSON.stringify(baseUrl)}.`, {
      details: { flag: "--base-url", value: baseUrl },
    });
  }
  const text = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const [username, password, users] = [text("TEST_USERNAME"), text("TEST_PASSWORD"), text("TEST_USERS")];
  if (users !== undefined && !/^[1-9]\d{0,6}$/.test(users)) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `TEST_USERS is a number of users, got ${JSON.stringify(users)}.`, {
      details: { flag: "TEST_USERS", value: users },
      next: "Say how many test users the service knows: TEST_USERS=100.",
    });
  }
  return {
    kind: "running",
    baseUrl,
    credentials: {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(users !== undefined && { users: Number(users) }),
    },
  };
}
