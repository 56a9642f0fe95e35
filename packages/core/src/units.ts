declare const unit: unique symbol;
/** Durations inside the code carry their unit in the type; at the edges the name carries it (`p99Ns`, `timeoutMs`). */
export type Nanoseconds = number & { readonly [unit]: "ns" };
export type Milliseconds = number & { readonly [unit]: "ms" };
export type Bytes = number & { readonly [unit]: "bytes" };

export const ns = (value: number): Nanoseconds => value as Nanoseconds;
export const ms = (value: number): Milliseconds => value as Milliseconds;
export const bytes = (value: number): Bytes => value as Bytes;
export const nsFromMs = (value: Milliseconds): Nanoseconds => ns(value * 1e6);
export const msFromNs = (value: Nanoseconds): Milliseconds => ms(value / 1e6);

/**
 * The units a metric may have. Times are stored in `ns`, sizes in `bytes`, rates per second in `1/s`, fractions and
 * ratios in `1` (0.001 is 0.1 %), counts of things in `count`; compound units are a size or a count per another.
 */
export const metricUnits = ["ns", "bytes", "1/s", "1", "count", "bytes/s", "bytes/h", "instructions"] as const;
export type MetricUnit = (typeof metricUnits)[number];
