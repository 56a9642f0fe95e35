import { k6Errors } from "../errors.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { textOf } from "../text.ts";

function unknownHere(what: string): never {
  throw new Error(`${what} is not known here: this run does not provide it`);
}

/** The module `k6/execution`. What the run does not tell is an error where it is read. */
export function executionModule(context: UserContext): Record<string, unknown> {
  const tags = new Proxy(
    {},
    {
      get: (_, name) => (typeof name === "string" ? context.baseTags[name] : undefined),
      has: (_, name) => typeof name === "string" && Object.hasOwn(context.baseTags, name),
      ownKeys: () => Object.keys(context.baseTags),
      getOwnPropertyDescriptor: (_, name) =>
        typeof name === "string" && Object.hasOwn(context.baseTags, name)
          ? { value: context.baseTags[name], enumerable: true, configurable: true, writable: true }
          : undefined,
      set: (_, name, value: unknown) => {
        if (!["string", "number", "boolean"].includes(typeof value))
          throw new TypeError(`a tag must be a text, number or boolean, got ${typeof value}`);
        context.userTags = { ...context.userTags, [String(name)]: String(value) };
        return true;
      },
      deleteProperty: (_, name) => {
        context.userTags = Object.fromEntries(Object.entries(context.userTags).filter(([key]) => key !== name));
        return true;
      },
    },
  );
  const vu = {
    get idInInstance() {
      return context.id;
    },
    get idInTest() {
      return context.id;
    },
    get iterationInInstance() {
      return context.iteration;
    },
    get iterationInScenario() {
      return context.iteration;
    },
    tags,
    metrics: { tags, metadata: {} as Record<string, string> },
  };
  const scenarioOf = () => {
    const user = context.running("exec.scenario");
    return context.host.scenario?.(user.scenario) ?? unknownHere("exec.scenario");
  };
  const scenario = {
    get name() {
      return context.running("exec.scenario").scenario;
    },
    get executor() {
      return (
        context.options.scenarios.find(({ name }) => name === context.user?.scenario)?.executor ?? scenarioOf().executor
      );
    },
    get startTime() {
      return scenarioOf().startTime;
    },
    get progress() {
      return scenarioOf().progress;
    },
    get iterationInInstance() {
      return context.iterationInScenario;
    },
    get iterationInTest() {
      return context.iterationInScenario;
    },
  };
  const instanceOf = () => context.host.instance?.() ?? unknownHere("exec.instance");
  const instance = {
    get iterationsCompleted() {
      return instanceOf().iterationsCompleted;
    },
    get iterationsInterrupted() {
      return instanceOf().iterationsInterrupted;
    },
    get vusActive() {
      return instanceOf().vusActive;
    },
    get vusInitialized() {
      return instanceOf().vusInitialized;
    },
    get currentTestRunDuration() {
      return instanceOf().currentTestRunDuration;
    },
  };
  const test = {
    abort: (reason?: unknown): never => {
      const text = reason === undefined ? "test aborted" : `test aborted: ${textOf(reason)}`;
      const error = k6Errors.create("K6_ABORTED", text, {
        details: { reason: reason === undefined ? undefined : textOf(reason) },
      });
      context.host.abort?.(error);
      throw error;
    },
    fail: (reason?: unknown): void => {
      if (!context.host.fail) unknownHere("exec.test.fail");
      context.host.fail(textOf(reason ?? "test failed"));
    },
    get options() {
      return context.givenOptions;
    },
  };
  return { vu, scenario, instance, test };
}
