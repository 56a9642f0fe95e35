import { expect, test } from "vitest";
import fc from "fast-check";
import { greatestUsers, shareOf, userSteps } from "../../src/engine/user-profile.ts";

test("users come and go where the line crosses whole numbers, as k6 plans them", () => {
  const steps = [
    ...userSteps(4, [
      { durationMs: 2000, target: 6 },
      { durationMs: 5000, target: 1 },
    ]),
  ];
  expect(steps).toEqual([
    { atMs: 0, users: 4 },
    { atMs: 1000, users: 5 },
    { atMs: 2000, users: 6 },
    { atMs: 3000, users: 5 },
    { atMs: 4000, users: 4 },
    { atMs: 5000, users: 3 },
    { atMs: 6000, users: 2 },
    { atMs: 7000, users: 1 },
  ]);
});

test("a stage without length is a jump", () => {
  const steps = [
    ...userSteps(0, [
      { durationMs: 0, target: 10 },
      { durationMs: 1000, target: 10 },
    ]),
  ];
  expect(steps).toEqual([
    { atMs: 0, users: 0 },
    { atMs: 0, users: 10 },
  ]);
});

test("shares of workers add up to all users, and user i goes to worker i mod workers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 9 }), (users, workers) => {
      for (let worker = 0; worker < workers; worker++) {
        const counted = Array.from({ length: users }, (_, i) => i).filter((i) => i % workers === worker).length;
        expect(shareOf(users, worker, workers)).toBe(counted);
      }
    }),
  );
});

test("the greatest number of users", () => {
  expect(greatestUsers(3, [{ durationMs: 1, target: 2 }])).toBe(3);
  expect(
    greatestUsers(3, [
      { durationMs: 1, target: 20 },
      { durationMs: 1, target: 0 },
    ]),
  ).toBe(20);
});
