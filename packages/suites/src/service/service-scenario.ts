import type { Thresholds } from "@mettle/judge";
import type { Tags } from "@mettle/load";
import type { LoadShape } from "./scale.ts";
import type { ServiceSurface, ServiceUser } from "./surface.ts";

/** What one iteration of a user does. */
export type ServiceBehaviour = (user: ServiceUser, surface: ServiceSurface) => Promise<void>;

/** One group of users of a scenario. */
export interface ServiceGroup {
  readonly shape: LoadShape;
  readonly tags?: Tags;
  readonly run: ServiceBehaviour;
}

/** A load test of an agent service, as data but for what its users do. */
export interface ServiceScenario {
  readonly id: string;
  readonly title: string;
  readonly requirement: readonly string[];
  readonly groups: Readonly<Record<string, ServiceGroup>>;
  readonly thresholds: Thresholds;
}

/** Of what was promised, the failures: a tenth of a percent (T-01: the promise is 0.1 %, and `0.1` would be a tenth). */
export const FAILURES = "rate<0.001";
