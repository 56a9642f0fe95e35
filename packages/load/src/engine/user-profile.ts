/** A stretch in which the number of users goes in a straight line to a target. A length of 0 is a jump. */
export interface UserStage {
  readonly durationMs: number;
  readonly target: number;
}

/** From `at` on, `users` are wanted. */
export interface UserStep {
  readonly atMs: number;
  readonly users: number;
}

/**
 * Every change of the number of users, as k6 plans it: on the way up user n comes when the line reaches n, on the way
 * down it goes when the line reaches n − 1.
 */
export function* userSteps(start: number, stages: readonly UserStage[]): Generator<UserStep> {
  yield { atMs: 0, users: start };
  let atMs = 0;
  let users = start;
  for (const { durationMs, target } of stages) {
    const distance = Math.abs(target - users);
    const direction = Math.sign(target - users);
    if (durationMs === 0 && distance > 0) yield { atMs, users: target };
    else {
      for (let step = 1; step <= distance; step++) {
        yield { atMs: atMs + (durationMs * step) / distance, users: users + direction * step };
      }
    }
    atMs += durationMs;
    users = target;
  }
}

export const greatestUsers = (start: number, stages: readonly UserStage[]): number =>
  stages.reduce((greatest, { target }) => Math.max(greatest, target), start);

/** How many of `users` belong to a worker: user i (from 0) belongs to worker i mod `workers`. */
export const shareOf = (users: number, worker: number, workers: number): number =>
  Math.max(0, Math.ceil((users - worker) / workers));
