import { type Clock, ms } from "@mettle/core";
import { Lockout } from "../auth/lockout.ts";
import { PasswordVerifier } from "../auth/passwords.ts";
import { Tokens } from "../auth/tokens.ts";
import { Users, type UserState, userStateLifetime } from "../auth/users.ts";
import type { ServiceConfig } from "../config/settings.ts";
import { TwoLevelCache } from "../storage/cache.ts";
import type { Timings } from "../telemetry/timings.ts";
import type { Storage } from "./open-storage.ts";

export interface People {
  readonly users: Users;
  readonly states: TwoLevelCache<UserState>;
  readonly tokens: Tokens;
  readonly passwords: PasswordVerifier;
  readonly lockout: Lockout;
}

export interface PeopleParts {
  readonly config: ServiceConfig;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly timings: Timings;
  readonly onProgress: (what: string) => void;
}

const statesAtMost = 50_000;
const absentLifetime = ms(5000);

/** Users and what they log in with; makes the first administrator where there is nobody. */
export async function openPeople(
  starting: AsyncDisposableStack,
  { config, clock, storage: { database, joined }, timings, onProgress }: PeopleParts,
): Promise<People> {
  const states = starting.use(
    new TwoLevelCache<UserState>({
      max: statesAtMost,
      lifetime: userStateLifetime,
      absentLifetime,
      lookups: { times: timings.parts.userLookup, clock },
      ...joined("users"),
    }),
  );
  const users = new Users(database, states);
  if (config.adminPassword !== undefined && (await users.createFirst(config.adminName, config.adminPassword))) {
    onProgress(`made the first administrator, ${config.adminName}`);
  }
  if (await users.none()) onProgress("nobody can log in: start it again with METTLE_ADMIN_PASSWORD set");
  return {
    users,
    states,
    tokens: new Tokens(database, clock, { lifetime: config.tokenLifetime, keyLifetime: config.keyLifetime }),
    passwords: new PasswordVerifier({ remember: config.loginCacheLifetime }),
    lockout: new Lockout(database, clock, {
      failuresAllowed: config.loginFailuresAllowed,
      pause: config.loginLockout,
    }),
  };
}
