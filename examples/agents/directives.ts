// Effects as data: an action says what should happen, the runtime does it. So the decision can be tested by itself.
//
//   node -C mettle-source examples/agents/directives.ts
//
// Prints:
//   the decision: emit tickets.ticket.opened, spawn 7, schedule 7
//   signal: tickets.ticket.opened {"id":7}
//   ticket 7 escalates
//   children left: 0
import { createRuntime, defineAction, defineAgent, directives } from "@mettle/agents";

interface Ticket {
  readonly id: number;
}

const ticket = defineAgent({
  name: "ticket",
  state: (): Ticket => ({ id: 0 }),
  actions: {
    escalate: defineAction({
      run: (state: Ticket) => {
        console.log(`ticket ${state.id} escalates`);
        return { directives: [directives.emit("tickets.ticket.escalated", state), directives.stop("escalated")] };
      },
    }),
  },
});

const open = defineAction({
  run: (_state: object, id: number) => ({
    directives: [
      directives.emit("tickets.ticket.opened", { id }),
      directives.spawn(String(id), ticket, { name: `ticket-${id}`, state: { id } }),
      directives.schedule(String(id), { afterMs: 20 }, { type: "late", data: id }),
    ],
  }),
});

const desk = defineAgent({
  name: "desk",
  state: () => ({}),
  actions: {
    open,
    late: defineAction({
      run: (_state: object, id: number) => ({ directives: [directives.send(`ticket-${id}`, { type: "escalate" })] }),
    }),
  },
});

// Without a runtime: what would it do?
const outcome = open.run({}, 7 as never, {} as never);
if (outcome && "directives" in outcome) {
  const named = (outcome.directives ?? []).map(
    (each) => `${each.kind} ${each.kind === "emit" ? each.type : "name" in each ? each.name : ""}`,
  );
  console.log(`the decision: ${named.join(", ")}`);
}

await using runtime = createRuntime();
runtime.bus.subscribe("tickets.*.opened", ({ type, data }) => console.log(`signal: ${type} ${JSON.stringify(data)}`));
const escalated = new Promise<void>((resolve) => {
  runtime.bus.subscribe("tickets.*.escalated", () => resolve());
});
await runtime.spawn(desk).ask({ type: "open", data: 7 });
await escalated;
console.log(`children left: ${runtime.stats().agents - 1}`);
