/** What tinybench and vitest hand to a hook: the task and the phase. Results are not there: nothing has run yet. */
export interface TaskStub {
  readonly name: string;
}

export type TaskHook = (this: TaskStub, task: TaskStub, mode: "run") => unknown;

/** Hooks that other harnesses call with the task, in the order given, as one of ours; undefined for none. */
export function joinHooks(name: string, hooks: readonly (TaskHook | undefined)[]): (() => Promise<void>) | undefined {
  const present = hooks.filter((hook) => hook !== undefined);
  if (present.length === 0) return undefined;
  const task: TaskStub = { name };
  return async () => {
    for (const hook of present) await hook.call(task, task, "run");
  };
}
