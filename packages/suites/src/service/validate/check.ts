import type { Clock } from "@mettle/core";
import type { RunLoadOptions } from "@mettle/load";
import type { Measurement, Profile, Revision } from "@mettle/results";
import type { CatalogueEntry } from "../../catalogue/scenario.ts";
import type { Recorder } from "../../measure/recorder.ts";
import type { Availability } from "./availability.ts";
import type { ComponentTimes } from "./components.ts";
import type { ServiceSubject } from "./subject.ts";
import type { UsageSamples } from "./usage.ts";

type Inline = Extract<RunLoadOptions["from"], { readonly inline: unknown }>["inline"];
/** Where load comes from: a thread of its own, or this one. */
export type LoadGenerator = "thread" | { readonly inline: Omit<Inline, "test"> };

/** What one check of a service works with, and leaves for those after it. */
export interface CheckContext {
  readonly profile: Profile;
  /** Time that it should take. */
  readonly seconds: number;
  readonly subject: ServiceSubject;
  readonly clock: Clock;
  readonly revision: Revision | undefined;
  readonly generator: LoadGenerator;
  readonly record: Recorder;
  /** Takes measurements that are complete already. */
  readonly keep: (measurements: readonly Measurement[]) => void;
  /** Says why a figure may not be believed wholly. */
  readonly degraded: (reasons: readonly string[]) => void;
  /** Aborts when nobody waits for the result any more, or the service has ended. */
  readonly signal: AbortSignal;
  /** Of all checks so far that stay within what is promised. */
  readonly components: ComponentTimes;
  readonly usage: UsageSamples;
  readonly availability: Availability;
}

/** A piece of the validation of a service. */
export interface ServiceCheck extends CatalogueEntry {
  readonly suite: "service";
  /**
   * What it cannot do without: a service that was started here; the times that ours tells of its parts; a load within the
   * promises that was measured before.
   */
  readonly needs?: readonly ("start" | "metrics" | "load")[];
  /** Seconds as a part of the whole catalogue in profile ci; absent: only when the service is validated by name. */
  readonly share?: number;
  readonly run: (context: CheckContext) => Promise<void>;
}
