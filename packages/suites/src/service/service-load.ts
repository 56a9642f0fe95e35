import {
  defineLoad,
  type LoadResponse,
  type LoadSource,
  type LoadTest,
  type LoadUser,
  type ScenarioDefinition,
} from "@mettle/load";
import type { Profile } from "@mettle/results";
import { suitesErrors } from "../errors.ts";
import { scaled, timeFactor } from "./scale.ts";
import { serviceScenario } from "./service-catalogue.ts";
import type { ServiceGroup, ServiceScenario } from "./service-scenario.ts";
import {
  type Credentials,
  type ServiceData,
  type ServiceEndpoints,
  serviceEndpoints,
  ServiceSurface,
  textMember,
} from "./surface.ts";
import { baseShapes, baseThresholds, type TestType, testTypes } from "./test-types.ts";

/** Plain data, as it crosses to other threads. */
export interface ServiceLoadParameters {
  /** Such as `auth_performance`. */
  readonly scenario: string;
  readonly baseUrl: string;
  /** Where parts of the service are elsewhere. */
  readonly endpoints?: Partial<ServiceEndpoints>;
  /** The base configuration's shape and thresholds in place of the scenario's own. */
  readonly testType?: TestType;
  /** @defaultValue full */
  readonly profile?: Profile;
  /** Longest time, ms, in place of the profile's. Who thinks when it is over goes at once; requests in flight may end. */
  readonly longestMs?: number;
  readonly credentials?: Partial<Credentials>;
  /** A tag on everything: where this generator runs. */
  readonly region?: string;
}

/** Users whose tokens those have who do not log in themselves, so that not one limit of a rate holds for all. */
const loggedInForAll = 10;

/** Users made for tests; a service that is measured must know them. */
const credentialDefaults: Credentials = { username: "user{n}", password: "password{n}", users: 10_000 };

/**
 * A load test of an agent service over HTTP.
 *
 * @throws MettleError `SERVICE_SCENARIO_UNKNOWN`, `SERVICE_OPTIONS_INVALID`
 */
export function serviceLoad(parameters: ServiceLoadParameters): LoadTest {
  const { profile = "full", testType, region } = parameters;
  checkParameters(parameters);
  const scenario = withType(serviceScenario(parameters.scenario), testType);
  const surface = new ServiceSurface(
    { ...serviceEndpoints(parameters.baseUrl), ...parameters.endpoints },
    { ...credentialDefaults, ...parameters.credentials },
    parameters.longestMs,
  );
  const groups = Object.entries(scenario.groups);
  const factor = timeFactor(
    groups.map(([, { shape }]) => shape),
    profile,
    parameters.longestMs,
  );
  const loggedIn = Math.min(loggedInForAll, parameters.credentials?.users ?? credentialDefaults.users);
  return defineLoad<ServiceData>({
    scenarios: Object.fromEntries(groups.map(([name, group]) => [name, definitionOf(group, factor, surface)])),
    thresholds: { ...scenario.thresholds },
    tags: { ...(region !== undefined && { region }), profile },
    setup: (user) => logIn(user, surface, loggedIn),
  });
}

/** What a thread is told so that it makes the load test. */
export function serviceSource(parameters: ServiceLoadParameters): LoadSource {
  return { module: import.meta.url, factory: "serviceLoad", parameters };
}

function definitionOf(
  { shape, tags, run }: ServiceGroup,
  factor: number,
  surface: ServiceSurface,
): ScenarioDefinition<ServiceData> {
  return {
    ...scaled(shape, factor),
    ...(tags && { tags }),
    run: (user) => {
      surface.begin();
      return run(user, surface);
    },
  };
}

/** The behaviour of a scenario in a shape of the base configuration. Users are shared by its groups as theirs were. */
function withType(scenario: ServiceScenario, type: TestType | undefined): ServiceScenario {
  if (type === undefined) return scenario;
  const groups = Object.entries(scenario.groups);
  const runs = groups.map(([, { run }]) => run);
  return {
    ...scenario,
    groups: {
      [type]: {
        shape: baseShapes[type],
        run: async (user, surface) => {
          // Neighbours take turns, so that each group has its share of users at any size.
          await runs[(user.id - 1) % runs.length]?.(user, surface);
        },
      },
    },
    thresholds: baseThresholds,
  };
}

/** Tokens for users that do not log in themselves. One is needed; what became of the other logins is in the results. */
async function logIn(user: LoadUser<undefined>, surface: ServiceSurface, count: number): Promise<ServiceData> {
  const response = await surface.login(user, 1);
  const first = tokenIn(response);
  if (first === "") {
    const why = response.failure?.message ?? `status ${response.status}`;
    throw suitesErrors.create("SERVICE_LOGIN_FAILED", `The first login gave no token: ${why}.`, {
      details: { status: response.status },
    });
  }
  const others = await Promise.all(Array.from({ length: count - 1 }, (_, i) => surface.login(user, i + 2)));
  return { tokens: [first, ...others.map(tokenIn).filter((token) => token !== "")] };
}

const tokenIn = (response: LoadResponse): string => (response.status === 200 ? textMember(response, "token") : "");

function checkParameters({ baseUrl, testType, credentials }: ServiceLoadParameters): void {
  const problems: string[] = [];
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) {
    problems.push(`the base URL ${JSON.stringify(baseUrl)} is not an http address`);
  }
  if (testType !== undefined && !testTypes.includes(testType)) {
    problems.push(`the test type ${testType} is none of ${testTypes.join(", ")}`);
  }
  const users = credentials?.users ?? 1;
  if (!(Number.isInteger(users) && users > 0)) problems.push(`there are ${users} users`);
  if (problems.length === 0) return;
  throw suitesErrors.create("SERVICE_OPTIONS_INVALID", `Service load test: ${problems.join("; ")}.`, {
    details: { problems },
  });
}
