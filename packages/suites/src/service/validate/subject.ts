import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type Milliseconds, ms } from "@mettle/core";
import { suitesErrors } from "../../errors.ts";
import { type Credentials, nthUser } from "../surface.ts";
import { ServiceClient } from "./service-client.ts";
import { ServiceProcess } from "./service-process.ts";

/** The service that is validated: one that this validation starts, or one that runs already. */
export type ServiceUnderTest =
  | {
      readonly kind: "start";
      /** Program and arguments of the service, without those that say where its data is and how much of it there is. */
      readonly command: readonly string[];
    }
  | { readonly kind: "running"; readonly baseUrl: string; readonly credentials: Partial<Credentials> };

export interface SubjectOptions {
  /** Share of S4's test data: 1 for all of it. */
  readonly seedScale: number;
  /** Made for the load; no more than that many log in. */
  readonly users: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** A service that answers, and what is needed to put load on it. */
export interface ServiceSubject extends AsyncDisposable {
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly client: ServiceClient;
  /** From its start until it was ready, data included; undefined where it ran before. */
  readonly startedIn: Milliseconds | undefined;
  /** Aborts when it ends by itself. */
  readonly died: AbortSignal;
  /** Lets the load generator go first where both share processors. Undefined for one that we did not start. */
  readonly standBack: (() => void) | undefined;
  /** Ends it, and starts it again on the data that it has. Undefined for one that we did not start. */
  readonly restart: (() => Promise<{ readonly endedIn: Milliseconds; readonly startedIn: Milliseconds }>) | undefined;
}

/** S4-060: so long may a deployment take to be ready. */
const readyWithin = ms(300_000);
const endWithin = ms(30_000);
/** On a busy machine one that stands back is the last to be let end, and its connections are gone before it is. */
const endIsKnownWithin = ms(30_000);
/** What of the caller's environment a service needs to run at all. Not its settings: they may name databases in use. */
const inherited = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SystemRoot", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];
const usersAtOnce = 4;

/**
 * @throws MettleError `SERVICE_NOT_READY`, `SERVICE_LOGIN_FAILED`, `SERVICE_UNREACHABLE`, `SERVICE_DIED`
 */
export function openSubject(service: ServiceUnderTest, options: SubjectOptions): Promise<ServiceSubject> {
  return service.kind === "start" ? startSubject(service.command, options) : findSubject(service, options);
}

async function startSubject(
  command: readonly string[],
  { seedScale, users, clock, signal }: SubjectOptions,
): Promise<ServiceSubject> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "mettle-validate-"));
  opening.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  // Where this runs as root, the embedded database runs as somebody else, who must be able to enter.
  await chmod(folder, 0o755);
  const dataFolder = join(folder, "data");
  const password = randomBytes(24).toString("base64url");
  const env = environmentOf(password);
  const launch = (more: readonly string[]): Promise<ServiceProcess> =>
    ServiceProcess.start({
      command: [...command, "--json", "--port", "0", "--data", dataFolder, ...more],
      env,
      dataFolder,
      readyWithin,
      endWithin,
      clock,
      ...(signal && { signal }),
    });
  let service = await launch(["--seed-data", String(seedScale)]);
  opening.defer(async () => void (await service.stop()));
  const client = (): ServiceClient => new ServiceClient(service.url, either(service.died, signal), endIsKnownWithin);
  const credentials: Credentials = { username: "load-{n}", password, users };
  const { startedIn } = service;
  await makeUsers(client(), credentials);
  const opened = opening.move();
  return {
    get baseUrl() {
      return service.url;
    },
    credentials,
    get client() {
      return client();
    },
    startedIn,
    get died() {
      return service.died;
    },
    standBack: () => service.standBack(),
    restart: async () => {
      const endedIn = await service.stop();
      service = await launch([]);
      return { endedIn, startedIn: service.startedIn };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const either = (died: AbortSignal, signal: AbortSignal | undefined): AbortSignal =>
  signal ? AbortSignal.any([died, signal]) : died;

function environmentOf(adminPassword: string): Record<string, string> {
  const own = Object.fromEntries(
    inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  return {
    ...own,
    METTLE_ADMIN_PASSWORD: adminPassword,
    // Above the load: limits are enforced, and what that takes is measured, but they refuse nothing.
    METTLE_RATE_LIMIT: "100000000",
    LOG_LEVEL: "warn",
  };
}

/** Users with passwords hashed one by one, as real ones are: logging in as each costs what it costs. */
async function makeUsers(client: ServiceClient, { username, password, users }: Credentials): Promise<void> {
  const token = await client.logIn("admin", password);
  let next = 1;
  const make = async (): Promise<void> => {
    for (let n = next++; n <= users; n = next++) {
      const body = { name: nthUser(username, n), password, role: "member" };
      const { status } = await client.call("POST", "/users", { token, body });
      if (status === 201) continue;
      throw suitesErrors.create("SERVICE_LOGIN_FAILED", `Test user ${n} could not be made: status ${status}.`, {
        details: { status },
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(usersAtOnce, users) }, make));
}

async function findSubject(
  { baseUrl, credentials }: Extract<ServiceUnderTest, { kind: "running" }>,
  { users, signal }: SubjectOptions,
): Promise<ServiceSubject> {
  const never = new AbortController().signal;
  const client = new ServiceClient(baseUrl, signal ?? never);
  const { status } = await client.call("GET", "/ready");
  if (status !== 200) {
    throw suitesErrors.create("SERVICE_NOT_READY", `The service at ${baseUrl} is not ready: status ${status}.`, {
      details: { status },
    });
  }
  return {
    baseUrl,
    credentials: { username: "user{n}", password: "password{n}", users, ...credentials },
    client,
    startedIn: undefined,
    died: never,
    standBack: undefined,
    restart: undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
