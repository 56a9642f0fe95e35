/** States of a task, in A2A 1.0's order of life. */
export type TaskState = "submitted" | "working" | "completed" | "failed" | "canceled";

export const isTerminal = (state: TaskState): boolean =>
  state === "completed" || state === "failed" || state === "canceled";

/** What a task looks like from outside at one moment. */
export interface TaskView {
  readonly id: string;
  readonly contextId: string;
  readonly state: TaskState;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly text: string;
  readonly messageId: string;
  readonly input: string;
}

export type TaskEvent =
  | { readonly kind: "task"; readonly task: TaskView }
  | { readonly kind: "status"; readonly task: TaskView }
  | {
      readonly kind: "artifact";
      readonly task: TaskView;
      readonly text: string;
      readonly append: boolean;
      readonly last: boolean;
    };

/** How one version of the protocol writes tasks and events. */
export interface A2aWire {
  task(task: TaskView, withHistory?: boolean): Readonly<Record<string, unknown>>;
  event(event: TaskEvent): Readonly<Record<string, unknown>>;
  /** The result of sending a message without streaming. */
  sent(task: TaskView): Readonly<Record<string, unknown>>;
}

const stateNames: Readonly<Record<TaskState, string>> = {
  submitted: "TASK_STATE_SUBMITTED",
  working: "TASK_STATE_WORKING",
  completed: "TASK_STATE_COMPLETED",
  failed: "TASK_STATE_FAILED",
  canceled: "TASK_STATE_CANCELED",
};

const artifactId = "answer";

/** 1.0: members tell events apart, enums carry their proto names. */
export const wire1: A2aWire = {
  task: (task, withHistory = true) => ({
    id: task.id,
    contextId: task.contextId,
    status: { state: stateNames[task.state], timestamp: task.timestamp },
    ...(task.text !== "" && { artifacts: [{ artifactId, name: "answer", parts: [{ text: task.text }] }] }),
    ...(withHistory && {
      history: [
        {
          messageId: task.messageId,
          contextId: task.contextId,
          taskId: task.id,
          role: "ROLE_USER",
          parts: [{ text: task.input }],
        },
      ],
    }),
  }),
  event: (event) => {
    const { task } = event;
    const place = { taskId: task.id, contextId: task.contextId };
    switch (event.kind) {
      case "task":
        return { task: wire1.task(task) };
      case "status":
        return { statusUpdate: { ...place, status: { state: stateNames[task.state], timestamp: task.timestamp } } };
      case "artifact":
        return {
          artifactUpdate: {
            ...place,
            artifact: { artifactId, name: "answer", parts: [{ text: event.text }] },
            append: event.append,
            lastChunk: event.last,
          },
        };
    }
  },
  sent: (task) => ({ task: wire1.task(task) }),
};

/** 0.3: a member `kind` tells everything apart. */
export const wire03: A2aWire = {
  task: (task, withHistory = true) => ({
    kind: "task",
    id: task.id,
    contextId: task.contextId,
    status: { state: task.state, timestamp: task.timestamp },
    ...(task.text !== "" && {
      artifacts: [{ artifactId, name: "answer", parts: [{ kind: "text", text: task.text }] }],
    }),
    ...(withHistory && {
      history: [
        {
          kind: "message",
          messageId: task.messageId,
          contextId: task.contextId,
          taskId: task.id,
          role: "user",
          parts: [{ kind: "text", text: task.input }],
        },
      ],
    }),
  }),
  event: (event) => {
    const { task } = event;
    const place = { taskId: task.id, contextId: task.contextId };
    switch (event.kind) {
      case "task":
        return wire03.task(task);
      case "status":
        return {
          kind: "status-update",
          ...place,
          status: { state: task.state, timestamp: task.timestamp },
          final: isTerminal(task.state),
        };
      case "artifact":
        return {
          kind: "artifact-update",
          ...place,
          artifact: { artifactId, name: "answer", parts: [{ kind: "text", text: event.text }] },
          append: event.append,
          lastChunk: event.last,
        };
    }
  },
  sent: (task) => wire03.task(task),
};
