import { Random, systemClock } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Balancer } from "../../src/gateway/balancer.ts";
import { Instance } from "../../src/gateway/instance.ts";

const instancesOf = (number: number): Instance[] =>
  Array.from({ length: number }, (_, i) => new Instance(`http://i${i}`, systemClock));

/** Standard deviation over mean of the numbers that instances were given. */
function variation(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Math.sqrt(counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length) / mean;
}

/** Gives out requests of random lengths to instances as slow as `slowness` says. */
function simulate(
  instances: readonly Instance[],
  requests: number,
  seed: number,
  slowness: readonly number[] = [],
): void {
  const random = new Random(seed);
  const balancer = new Balancer(instances);
  const running: { until: number; instance: Instance }[] = [];
  for (let now = 0; now < requests; now++) {
    for (const ended of running.filter(({ until }) => until <= now)) {
      ended.instance.outstanding -= 1;
      running.splice(running.indexOf(ended), 1);
    }
    const instance = balancer.choose();
    if (!instance) throw new Error("none available");
    instance.given += 1;
    instance.outstanding += 1;
    const slow = slowness[instances.indexOf(instance)] ?? 1;
    running.push({ until: now + slow * -10 * Math.log(1 - random.uniform()), instance });
  }
}

test("S4-086 the numbers that equal instances are given vary by less than 5 %", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0 }), (number, seed) => {
      const instances = instancesOf(number);
      simulate(instances, 2000, seed);
      expect(variation(instances.map(({ given }) => given))).toBeLessThan(0.05);
    }),
  );
});

test("an instance that is ten times as slow is not buried", () => {
  const instances = instancesOf(3);
  simulate(instances, 3000, 1, [1, 1, 10]);
  const [fast, , slow] = instances as [Instance, Instance, Instance];
  expect(slow.given).toBeLessThan(fast.given / 2);
  const total = instances.reduce((sum, { outstanding }) => sum + outstanding, 0);
  expect(slow.outstanding).toBeLessThanOrEqual(Math.max(4, Math.ceil((1.25 * (total + 1)) / 3)));
});

test("only instances that are available and were not tried are chosen", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("healthy", "draining", "unhealthy"), { minLength: 1, maxLength: 6 }),
      (health) => {
        const instances = instancesOf(health.length);
        for (const [i, one] of instances.entries()) one.health = health[i] as Instance["health"];
        const balancer = new Balancer(instances);
        const tried = new Set<Instance>();
        for (let chosen = balancer.choose(tried); chosen; chosen = balancer.choose(tried)) {
          expect(chosen.health).toBe("healthy");
          expect(tried).not.toContain(chosen);
          tried.add(chosen);
        }
        expect(tried.size).toBe(health.filter((one) => one === "healthy").length);
      },
    ),
  );
});
